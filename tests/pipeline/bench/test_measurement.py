import subprocess
import sys
import time

from pipeline.bench.measurement import cpu_seconds, peak_memory, print_figures, timed


def test_figures_are_printed_in_a_line_and_given_back(capsys):
    figures = {"golden_maps": 1200, "golden_mean": 0.98765432}
    assert print_figures("fidelity", figures) is figures
    assert capsys.readouterr().out == "fidelity: golden maps 1,200, golden mean 0.98765\n"


def test_result_comes_with_its_seconds():
    result, seconds = timed(lambda: time.sleep(0.05) or "done")
    assert result == "done"
    assert 0.05 <= seconds < 5


def test_peak_memory_grows_with_what_is_held():
    before = peak_memory()
    held = b"x" * (before + 2**26)
    assert peak_memory() >= before + 2**26
    del held


def test_cpu_time_counts_processes_that_have_ended_and_no_waiting():
    before = cpu_seconds()
    time.sleep(0.2)
    assert cpu_seconds() - before < 0.1
    work = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", work], check=True)
    assert cpu_seconds() - before > 0.25
