"""metrics.csv: whole after every row, exact after a resume."""

from __future__ import annotations

from snnctl.callbacks.metrics_csv import MetricsCSV, read


def test_rows_columns_and_merging(tmp_path):
    log = MetricsCSV(tmp_path / "metrics.csv")
    log.log_metrics({"epoch": 0, "train/loss_step": 2.5}, step=10)
    log.log_metrics({"lr": 0.1}, step=10)  # same step: same row
    log.log_metrics({"epoch": 0, "train/loss_step": 1.25}, step=20)
    log.log_metrics({"epoch": 0, "val/acc": 0.5}, step=25)
    assert log.path.read_text().splitlines() == [
        "epoch,step,train/loss_step,lr,val/acc",
        "0,10,2.5,0.1,",
        "0,20,1.25,,",
        "0,25,,,0.5",
    ]


def test_a_resumed_log_equals_one_that_was_not_stopped(tmp_path):
    def feed(log, steps):
        for step in steps:
            log.log_metrics({"epoch": step // 4, "loss": 1 / (step + 1)}, step=step)
            if step % 4 == 3:
                log.log_metrics({"epoch": step // 4, f"only{step // 4}": float(step)}, step=step)

    whole = MetricsCSV(tmp_path / "whole.csv")
    feed(whole, range(12))
    killed = MetricsCSV(tmp_path / "killed.csv")
    feed(killed, range(6))
    state = killed.state_dict()
    feed(killed, range(6, 11))  # written after the checkpoint, lost by the kill
    resumed = MetricsCSV(tmp_path / "killed.csv")
    resumed.load_state_dict(state)
    feed(resumed, range(6, 12))
    assert (tmp_path / "killed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_row_that_grew_after_the_checkpoint_is_taken_back(tmp_path):
    log = MetricsCSV(tmp_path / "metrics.csv")
    log.log_metrics({"epoch": 0, "loss": 1.0}, step=1)
    state = log.state_dict()
    log.log_metrics({"epoch": 0, "acc": 0.5}, step=1)
    again = MetricsCSV(log.path)
    again.load_state_dict(state)
    assert read(log.path) == [{"epoch": 0.0, "step": 1.0, "loss": 1.0}]
