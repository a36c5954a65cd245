from __future__ import annotations

import tomllib

import pytest
import tomli_w

from minnet.errors import InputError
from minnet.lab.experiment import Experiment, default_folder, resolve, shipped
from minnet.lab.suite import is_suite


def test_the_resolved_experiment_survives_a_file(small):
    small["optimizer"].append(
        {
            "name": "momentum",
            "label": 'a "label" <b>',
            "momentum": {"values": [0.5, 0.9]},
            "schedule": "cosine",
            "network": {"init": "zeros"},
            "training": {"batch_size": 16, "weight_decay": 1e-4},
            "style": "torch",
        }
    )
    small.update(target=[0.9, 0.5], tune="all", points="sobol", extend=1, halving=True)
    experiment = Experiment.from_dict(small)
    assert Experiment.from_dict(tomllib.loads(tomli_w.dumps(experiment.to_dict()))) == experiment


@pytest.mark.parametrize("name", [name for name in shipped() if not is_suite(name)])
def test_every_shipped_experiment_is_valid_and_says_what_it_asks(name):
    experiment = resolve(name)
    assert experiment.name == name
    assert experiment.title
    assert experiment.question.endswith("?")
    assert Experiment.from_dict(tomllib.loads(tomli_w.dumps(experiment.to_dict()))) == experiment


def test_what_an_optimizer_leaves_open_is_searched_in_its_own_space(small):
    sgd, adam = Experiment.from_dict(small).entries
    assert (sgd.searched["lr"].low, sgd.searched["lr"].high) == (1e-3, 1e1)
    assert adam.fixed == {"beta1": 0.8}


def test_a_given_step_size_needs_one_tuning_run(small):
    small["optimizer"] = [{"name": "sgd", "lr": 0.1}]
    experiment = Experiment.from_dict(small)
    assert experiment.points(experiment.entries[0]) == [{"lr": 0.1}]


def test_a_run_takes_schedule_and_network_of_its_optimizer(small):
    small["optimizer"] = [{"name": "sgd", "schedule": {"name": "step", "every": 2}, "network": {"init": "zeros"}}]
    experiment = Experiment.from_dict(small)
    run = experiment.run_spec(experiment.entries[0], {"lr": 0.1}, seed=3)
    assert run.training.schedule == {"name": "step", "every": 2}
    assert (run.network.init, run.network.hidden, run.seed) == ("zeros", (4,), 3)


def test_whole_numbers_and_floats_are_the_same_experiment(small):
    small["training"]["l2"] = 0
    one = Experiment.from_dict(small)
    small["training"]["l2"] = 0.0
    assert one.digest() == Experiment.from_dict(small).digest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 3}, r"unknown key of the experiment 'seed': did you mean 'seeds'"),
        ({"network": {"hiden": [3]}}, r"'hiden'.*did you mean 'hidden'"),
        ({"training": {"epoch": 3}}, r"'epoch'.*did you mean 'epochs'"),
        ({"training": {"validation": 0.0}}, r"validation = 0 leaves nothing to select"),
        ({"training": {"schedule": "cosin"}}, r"'cosin'.*did you mean 'cosine'"),
        ({"training": 3}, r"training must be a table"),
        ({"trials": 0}, r"trials must be a whole number from 1 to 100000, not 0"),
        ({"seeds": 10**23}, r"seeds must be a whole number from 1 to 100000"),
        ({"training": {"batch_size": 10**22}}, r"batch_size = 10{22} must be a whole number"),
        ({"training": {"batch_size": 1e22}}, r"batch_size = 1e\+22 must be a whole number"),
        ({"training": {"schedule": "cosine:lr=3"}}, r"schedule 'cosine' sets lr 3\.0, but lr is 0\.001: drop one"),
        ({"network": {"hidden": "3;4"}}, r"hidden: '3;4' is no layer size"),
        ({"network": {"hidden": 0}}, r"hidden: 0 is no layer size"),
        ({"seeds": True}, r"seeds must be a whole number"),
        ({"tune": "lrs"}, r"unknown tune 'lrs'"),
        ({"points": "holton"}, r"unknown points 'holton': did you mean 'halton'"),
        ({"points": "grid", "tune": "all"}, r"points = 'grid' is for one hyperparameter, not for lr, beta2, eps"),
        ({"defaults": "yes"}, r"defaults must be true or false, not 'yes'"),
        ({"extend": -1}, r"extend must be a whole number from 0"),
        ({"halving": 1}, r"halving must be true, false or a whole number from 2 .* not 1"),
        ({"target": []}, r"target is an empty list"),
        ({"target": [0.9, 97]}, r"target must be an accuracy .* not 97"),
        ({"vary": {"batch_sizes": [1]}}, r"unknown field to vary 'batch_sizes': did you mean 'batch_size'"),
        ({"vary": {"epochs": [1, 2]}}, r"unknown field to vary 'epochs'"),
        ({"vary": {"batch_size": 32}}, r"vary: batch_size must be a list of values, not 32"),
        ({"vary": {"batch_size": [0, 32]}}, r"batch_size = 0 must be a whole number"),
        ({"optimizer": [{"name": "adam", "training": {"epochs": 3}}]}, r"unknown key of training .* 'epochs'"),
        (
            {"optimizer": [{"name": "adam", "schedule": "cosine"}], "vary": {"schedule": ["linear", "constant"]}},
            r"adam sets schedule itself, which is to vary",
        ),
        (
            {"optimizer": [{"name": "adam", "beta1": {"low": 0.9, "high": 1, "scale": "log(1-x)"}}]},
            r"high = 1 must be below 1",
        ),
        ({"target": 97}, r"target must be an accuracy .* not 97"),
        ({"name": 3}, r"name must be text"),
        ({"optimizer": []}, r"\[\[optimizer\]\]"),
        ({"optimizer": [{"label": "x"}]}, r"needs a name"),
        ({"optimizer": [{"name": "adm"}]}, r"'adm': did you mean 'adam'"),
        ({"optimizer": [{"name": "adam", "beta3": 0.9}]}, r"'beta3': did you mean 'beta"),
        ({"optimizer": [{"name": "adam", "schedul": "cosine"}]}, r"did you mean 'schedule'"),
        ({"optimizer": [{"name": "adam"}, {"name": "adam"}]}, r"two optimizers are labelled 'adam'"),
        ({"optimizer": [{"name": "adam", "label": "x" * 301}]}, r"1 to 300 characters, not 301"),
        ({"optimizer": [{"name": "adam", "lr": {"low": 1, "high": 0.1}}]}, r"low = 1 must be below high"),
        ({"optimizer": [{"name": "adam", "lr": {"low": 0, "high": 1}}]}, r"above 0 on a log scale"),
        ({"optimizer": [{"name": "adam", "lr": {"low": 0.1, "hi": 1}}]}, r"'hi': did you mean 'high'"),
        ({"optimizer": [{"name": "adam", "lr": {"low": 0.1}}]}, r"needs low and high"),
        ({"optimizer": [{"name": "adam", "lr": {"low": 0.1, "high": 1, "scale": "lin"}}]}, r"'linear'"),
        ({"optimizer": [{"name": "adam", "lr": "0.1"}]}, r"adam: lr must be a finite number"),
        ({"optimizer": [{"name": "adam", "lr": float("nan")}]}, r"adam: lr must be a finite number"),
        ({"optimizer": [{"name": "adam", "lr": {"values": []}}]}, r"values must be a list"),
        ({"optimizer": [{"name": "adam", "lr": {"values": [1, 1.0]}}]}, r"twice"),
        ({"optimizer": [{"name": "adam", "beta1": 1.5}]}, r"beta1 = 1.5 is outside"),
        ({"optimizer": [{"name": "adam", "network": {"init": "zeroes"}}]}, r"'zeroes'.*did you mean 'zeros'"),
        ({"optimizers": "adam"}, r"not both"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(small, change, message):
    with pytest.raises(InputError, match=message) as caught:
        Experiment.from_dict({**small, **change})
    assert "\n" not in str(caught.value)


def test_keywords_win_over_the_file():
    spec = resolve("race-digits", trials=2, hidden=(3,), epochs=1, optimizers=["adam"], init=None)
    assert (spec.trials, spec.network.hidden, spec.training.epochs) == (2, (3,), 1)
    assert [entry.label for entry in spec.entries] == ["adam"]
    assert spec.training.batch_size == resolve("race-digits").training.batch_size


@pytest.mark.parametrize(
    ("hidden", "widths"),
    [("128,64", (128, 64)), ("16", (16,)), (16, (16,)), ("none", ()), ([3, 2], (3, 2)), ((), ())],
)
def test_layers_are_written_in_many_ways(small, tmp_path, hidden, widths):
    assert resolve(hidden=hidden).network.hidden == widths
    small["network"]["hidden"] = list(hidden) if isinstance(hidden, tuple) else hidden
    file = tmp_path / "layers.toml"
    file.write_text(tomli_w.dumps(small))
    assert resolve(file).to_dict()["network"]["hidden"] == list(widths)
    small["optimizer"][0]["network"] = {"hidden": hidden}
    experiment = Experiment.from_dict(small)
    assert experiment.run_spec(experiment.entries[0], {"lr": 0.1}, 1).network.hidden == widths


@pytest.mark.parametrize("hidden", ["3;4", 0, 2.5, "-1", [[3]], 10**22, True])
def test_no_layers(hidden):
    with pytest.raises(InputError, match="no layer size") as caught:
        resolve(hidden=hidden)
    assert "\n" not in str(caught.value)


def test_initial_biases_by_either_name():
    assert resolve(init_bias="normal").network.bias_init == resolve(bias_init="normal").network.bias_init == "normal"
    with pytest.raises(InputError, match="two names"):
        resolve(init_bias="zeros", bias_init="zeros")


def test_the_style_of_all_optimizers():
    for given in ("adam,rmsprop", ["adam", {"name": "rmsprop", "style": "paper"}]):
        assert [(e.name, e.style) for e in resolve(optimizers=given, style="torch").entries] == [
            ("adam", "torch"),
            ("rmsprop", "torch"),
        ]
    assert {entry.style for entry in resolve("race-digits", style="torch").entries} == {"torch"}
    with pytest.raises(InputError, match="did you mean 'torch'"):
        resolve(optimizers="adam", style="torhc")


@pytest.mark.parametrize("source", ["race-digits", "race-digits.toml", "experiments/race-digits.toml", "race",
                                    "race.toml", "experiments/race.toml"])  # fmt: skip
def test_a_shipped_experiment_is_found_outside_a_checkout(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    assert resolve(source).name == "race-digits"
    if source.endswith(".toml"):
        (tmp_path / "experiments").mkdir()
        (tmp_path / source).write_text('name = "here"\n')
        assert resolve(source).name == "here"


@pytest.mark.parametrize("source", ["race-mnits.toml", "experiments/race-mnits.toml", "elsewhere/race-mnist.toml"])
def test_a_missing_file_names_the_nearest_experiment(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"no experiment file '{source}': did you mean 'race-mnist'"):
        resolve(source)


def test_without_a_file_the_data_choose_the_race():
    assert resolve().name == "race-digits"
    assert resolve(data="mnist").name == "race-mnist"
    assert resolve(data="synthetic:500").name == "race-synthetic:500"
    with pytest.raises(InputError, match=r"unknown keyword 'epoch': did you mean 'epochs'"):
        resolve(epoch=3)


def test_names_of_optimizers():
    assert len(resolve(optimizers="lecture").entries) == 7
    assert [e.name for e in resolve(optimizers="sgd, adam").entries] == ["sgd", "adam"]
    for wrong in ("", ",", 3, {"name": "adam"}):
        with pytest.raises(InputError, match="optimizers"):
            resolve(optimizers=wrong)


def test_files(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('data = "digits"\ntrials = 2\n')
    assert resolve(file).trials == 2
    file.write_text("data = \n")
    with pytest.raises(InputError, match=r"cannot read the experiment file .*mine\.toml"):
        resolve(file)
    with pytest.raises(InputError, match=r"no experiment file .*absent\.toml"):
        resolve(tmp_path / "absent.toml")
    with pytest.raises(InputError, match="did you mean 'race-mnist'"):
        resolve("race-mnits")


def test_the_default_folder_depends_on_what_is_trained_only():
    assert default_folder(None, resolve()).as_posix() == "runs/race-digits"
    assert default_folder(None, resolve(seeds=9, trials=2)).as_posix() == "runs/race-digits"
    short = default_folder(None, resolve(epochs=1))
    assert short.name.startswith("race-digits-")
    assert short == default_folder(None, resolve(epochs=1, seeds=2))
    assert "/" not in default_folder(None, resolve(data="a/../b:c")).name


def test_all_that_a_method_declares_is_searched_on_demand(small):
    small["tune"] = "all"
    sgd, adam = Experiment.from_dict(small).entries
    assert list(sgd.searched) == ["lr"]
    assert list(adam.searched) == ["lr", "beta2", "eps"], "but for what is fixed"
    assert adam.fixed == {"beta1": 0.8}
    experiment = Experiment.from_dict(small)
    assert len(experiment.points(sgd)) == len(experiment.points(adam)) == 3
    assert experiment.default_point(adam) is None, "turned off here"


def test_what_varies_multiplies_the_competitors(small):
    small["vary"] = {"schedule": ["constant", {"name": "step", "every": 2}], "batch_size": [8, 16], "init": ["zeros"]}
    experiment = Experiment.from_dict(small)
    assert [entry.label for entry in experiment.entries][:4] == [
        "sgd, constant, batch 8",
        "sgd, constant, batch 16",
        "sgd, step every 2, batch 8",
        "sgd, step every 2, batch 16",
    ]
    assert len(experiment.entries) == 8
    run = experiment.run_spec(experiment.entries[3], {"lr": 0.1}, 1)
    assert (run.training.schedule, run.training.batch_size, run.network.init) == (
        {"name": "step", "every": 2}, 16, "zeros",
    )  # fmt: skip
    assert run.training.epochs == experiment.training.epochs
    assert Experiment.from_dict(experiment.to_dict()) == experiment
    assert resolve(optimizers="adam", vary={"activation": ["relu", "tanh"]}).entries[1].label == "adam, activation tanh"


def test_several_targets(small):
    small["target"] = [0.9, 0.5]
    experiment = Experiment.from_dict(small)
    assert (experiment.target, experiment.targets) == (0.9, (0.9, 0.5))
    assert Experiment.from_dict(experiment.to_dict()) == experiment
    assert resolve(experiment, target=0.7).targets == (0.7,)


def test_budgets_are_no_part_of_what_is_trained(small):
    plain = Experiment.from_dict(small)
    for change in ({"halving": 3}, {"extend": 0}, {"defaults": True}, {"points": "sobol"}, {"target": [0.5, 0.6]}):
        assert Experiment.from_dict({**small, **change}).digest() == plain.digest()
    assert Experiment.from_dict({**small, "tune": "all"}).digest() != plain.digest()


def test_title_and_question_are_those_of_what_runs():
    race = resolve()
    assert resolve(epochs=2, trials=1).title == race.title
    assert resolve(optimizers="lecture").question == race.question
    assert (resolve(optimizers="sgd,adam").title, resolve(optimizers="sgd,adam").question) == (
        "sgd and adam on digits",
        "",
    )
    assert resolve(hidden=(16, 16)).title == "7 methods on digits"
    assert resolve("race-mnist", data="digits").title == "7 methods on digits"
    assert resolve(optimizers="sgd", title="mine").title == "mine"
