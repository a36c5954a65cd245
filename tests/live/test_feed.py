"""News for readers that come, go and are slow."""

from __future__ import annotations

import threading

from minnet.live.feed import Feed


def test_who_comes_late_gets_the_latest_of_every_kind():
    feed = Feed()
    for number in range(1000):
        feed.publish("progress", str(number))
    feed.publish("page", "p")
    news = feed.follow(patience=0.01)
    assert dict(next(news)) == {"progress": "999", "page": "p"}
    assert next(news) == []
    feed.publish("progress", "1000")
    assert next(news) == [("progress", "1000")]
    feed.publish("progress", "1000")
    assert next(news) == []


def test_a_slow_reader_skips_and_holds_nobody_up():
    feed = Feed()
    slow = feed.follow(patience=5)
    feed.publish("progress", "0")
    assert next(slow) == [("progress", "0")]
    for number in range(1, 100_000):
        feed.publish("progress", str(number))
    assert next(slow) == [("progress", "99999")]


def test_readers_are_counted_and_waited_for():
    feed = Feed()
    first, second = feed.follow(1.0), feed.follow(1.0)
    feed.publish("page", "p")
    next(first), next(second)
    assert feed.readers == 2
    first.close()
    assert feed.readers == 1
    feed.drain(0.01)
    assert feed.readers == 1
    ender = threading.Timer(0.05, second.close)
    ender.start()
    feed.drain(30)
    assert feed.readers == 0
    ender.join()


def test_the_end_comes_after_the_last_news():
    feed = Feed()
    feed.publish("progress", "running")
    news = feed.follow(5)
    next(news)
    feed.publish("progress", "finished")
    feed.close()
    assert list(news) == [[("progress", "finished")]]
    assert list(feed.follow(5)) == [[("progress", "finished")]]
