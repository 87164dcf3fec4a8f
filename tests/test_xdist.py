"""Under xdist: what happens in workers arrives in the controller, or turns the run red."""

from __future__ import annotations


class TestXdist:
    """What happens in workers arrives in the controller, or turns the run red."""

    CASES = """
        @clause("runtime.start.runs-program")
        @pytest.mark.parametrize("number", range(4))
        def test_case(create, number):
            assert create("exits").start().stopped().facts["ids"]["pid"] == 1
    """

    def test_verdicts_and_evidence_cross(self, suite):
        outcome = suite(self.CASES, "-n2")

        assert set(outcome.verdicts.values()) == {"pass"}
        assert outcome.status == 0
        assert all(case.operations and case.worker for case in outcome.run.cases)

    def test_a_worker_that_is_killed_ends_red(self, suite):
        outcome = suite(
            self.CASES
            + """
        @clause("runtime.start.runs-program")
        def test_dies():
            os.kill(os.getpid(), signal.SIGKILL)
        """,
            "-n2",
        )

        assert outcome.verdicts["test_dies"] == "error"
        assert outcome.status == 3

    def test_a_report_that_cannot_be_sent_ends_red(self, suite):
        outcome = suite(self.CASES + UNSENDABLE, "-n2")

        assert outcome.status == 3

    def test_what_a_runtime_prints_crosses_whatever_it_is(self, suite):
        outcome = suite(
            """
            @clause("runtime.start.runs-program")
            def test_case():
                assert "\\ud800\\0" == "x"
            """,
            "-n2",
        )

        assert (outcome.verdicts, outcome.status) == ({"test_case": "fail"}, 1)


UNSENDABLE = """
        @pytest.fixture(autouse=True)
        def unsendable(request):
            request.node.user_properties.append(("unsendable", object()))
"""
