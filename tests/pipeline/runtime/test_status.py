from pipeline.runtime.status import Status


def test_statuses_are_the_words_of_the_tables():
    assert [str(status) for status in Status] == [
        "ok",
        "excluded",
        "unreadable",
        "too_large",
        "no_face",
        "multi_face",
        "low_confidence",
        "predictor_failed",
    ]


def test_a_status_is_its_word():
    assert Status.OK == "ok"
    assert f"{Status.NO_FACE}" == "no_face"
    assert Status("multi_face") is Status.MULTI_FACE
    assert {"ok": 1}[Status.OK] == 1
