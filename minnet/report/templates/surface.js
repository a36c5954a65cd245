// Shows the race up to a step: of each trail the beginning, of each head the last point of that.
(() => {
  const PACE_MS = 40;
  const race = document.getElementById("race");
  const slider = document.getElementById("step");
  const now = document.getElementById("now");
  const play = document.getElementById("play");
  const whole = MOVING.map(({trail}) => {
    const {x, y, customdata} = race.data[trail];
    return customdata ? {x, y, customdata} : {x, y};
  });
  const traces = MOVING.map(({trace}) => trace);
  let timer = null;
  let drawing = Promise.resolve();
  let wanted = null;

  function part(values, {trace, trail}, t) {
    const end = Math.min(t + 1, values.length);
    return values.slice(trace === trail ? 0 : end - 1, end);
  }

  function draw() {
    const t = wanted;
    wanted = null;
    const data = MOVING.map((moving, k) => Object.fromEntries(
      Object.entries(whole[k]).map(([name, values]) => [name, part(values, moving, t)]),
    ));
    const atOnce = {mode: "immediate", transition: {duration: 0}, frame: {duration: 0, redraw: false}};
    return Plotly.animate(race, {data, traces}, atOnce);  // leaves the maps alone
  }

  function show(t) {
    t = Math.max(0, Math.min(STEPS, t));
    slider.value = t;
    now.textContent = `step ${t} of ${STEPS}`;
    const idle = wanted === null;
    wanted = t;
    if (idle) drawing = drawing.then(draw);
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function start() {
    if (Number(slider.value) >= STEPS) show(0);
    play.textContent = "Pause";
    let last = performance.now();
    timer = setInterval(() => {  // each of the first steps, then ever longer strides; a slow machine leaves some out
      let t = Number(slider.value);
      for (; last + PACE_MS <= performance.now(); last += PACE_MS) t += Math.max(1, Math.floor(t / 30));
      show(t);
      if (t >= STEPS) pause();
    }, PACE_MS);
  }

  function move(by) {
    pause();
    show(Number(slider.value) + by);
  }

  play.addEventListener("click", () => (timer === null ? start() : pause()));
  document.getElementById("back").addEventListener("click", () => move(-1));
  document.getElementById("forth").addEventListener("click", () => move(1));
  slider.addEventListener("input", () => move(0));
  document.addEventListener("keydown", (event) => {
    if (event.target === slider) return;
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
    if (event.key === " " && event.target === document.body) {
      event.preventDefault();
      play.click();
    }
  });
})();
