"""What is claimed is what was measured."""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile

import numpy as np
import pytest

from tests.house.tree import ROOT

sys.path.insert(0, str(ROOT))
from benchmarks import certificates, registry, series_sets, table, which_cell
from ostinato.bench import history
from ostinato.bench.registry import chosen
from ostinato.cells import BUILT_IN
from ostinato.certificates.algebra import ONE_SIGN, memory_of
from ostinato.certificates.verdict import Verdict
from ostinato.data.language.stories import KINDS as STORIES
from ostinato.tasks.examples import DataWarning


def test_the_readme_shows_the_results_that_are_kept():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = table.BETWEEN.search(text)
    assert found is not None
    assert found[0] == found[1] + table.table() + found[2], "run: python -m benchmarks.table"


def test_the_readme_shows_the_newest_full_comparison_of_speed():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found, measured = table.SPEED.search(text), table.speed()
    # Without a full run there is nothing to show, and nothing may be claimed.
    assert (found is None) == (measured is None), "run: ostinato bench --full, then python -m benchmarks.table"
    if found is not None:
        assert found[0] == found[1] + measured + found[2], "run: python -m benchmarks.table"


def test_the_page_on_cells_shows_the_certificates_that_are_kept():
    page = which_cell.PAGE.read_text(encoding="utf-8")
    for marker in ("guide", "certificates", "surprises"):
        assert which_cell.between(marker).search(page), marker
    assert page == which_cell.written(page), "run: python -m benchmarks.table"


def test_the_page_on_sets_of_series_shows_the_results_that_are_kept():
    page = series_sets.PAGE.read_text(encoding="utf-8")
    assert series_sets.MARKED.search(page)
    assert page == series_sets.written(page, registry.find("series_sets").results()), "run: python -m benchmarks.table"


def test_the_certificates_that_are_kept_show_what_is_known():
    found = {(v.cell, v.task): v for v in certificates.found(registry.find("certificates").results())}
    for cell in {"lstm", "gru"} & {cell for cell, _ in found}:
        assert found[cell, "parity"].reach == 256
        assert found[cell, "a5"].solved
    for (cell, task), verdict in found.items():
        if task == "parity" and memory_of(BUILT_IN[cell]) == ONE_SIGN:
            assert not verdict.solved, cell


def test_the_guide_to_cells_follows_from_the_verdicts_alone():
    def verdict(cell, task, reach, solved=1):
        return Verdict(cell, task, "plain", 1, solved, 1.0 if solved else 0.5, reach, 1.0)

    tracked = [verdict("gru", task, 256) for task in which_cell.FOLLOWED]
    found = [*tracked, verdict("mingru", "parity", 256), verdict("lstm", "a5", 0, solved=0)]
    said = which_cell.guide(found)
    assert "to 256 steps: `gru`." in said
    assert "Some of them: `mingru` (parity)." in said
    assert "None of them that far: `lstm`." in said
    assert "Four pairs were learnt by none." in said
    told = which_cell.surprises(found).splitlines()
    assert len(told) == 2
    assert told[0].startswith("- `mingru` follows parity to 256 steps")
    assert told[1].startswith("- `lstm` did not learn a5")
    assert which_cell.surprises(tracked).startswith("None")
    assert which_cell.guide([]) == which_cell.table([]) == which_cell.surprises([]) == which_cell.NOTHING


def test_comparisons_that_are_kept_are_whole_and_say_where_they_were_measured():
    for path in table.HISTORY.glob("*.json"):
        results = history.read(path)
        assert {"machine", "threads", "versions", "roofs", "kind", "points"} <= set(results), path
        assert not results["failed"], path
    if table.speed() is not None:
        newest = history.read(history.newest(table.HISTORY, "full"))
        skipped = {point.name for point in chosen("full") if set(point.workers) & set(newest["skipped"])}
        assert set(newest["points"]) == {point.name for point in chosen("full")} - skipped


@pytest.mark.parametrize("name", registry.NAMES)
def test_every_benchmark_says_what_it_measures_and_has_its_row(name):
    benchmark = registry.find(name)
    assert len(benchmark.sentence) > 20
    assert name in table.ROWS


def test_results_are_whole_and_say_where_they_were_measured():
    paths = list(registry.RESULTS.glob("*/*.json"))
    for path in paths:
        assert path.parent.name in registry.NAMES, path
        record = json.loads(path.read_text(encoding="utf-8"))
        assert {"machine", "wall_seconds"} <= set(record), path


def test_a_data_set_that_is_not_there_is_skipped_aloud(monkeypatch, capsys):
    monkeypatch.delenv("OSTINATO_DATA", raising=False)
    assert registry.data_folder("clinc150") is None
    assert "SKIPPED: no data set 'clinc150'; set OSTINATO_DATA" in capsys.readouterr().out


def test_runs_are_resumed_and_measured_again_only_when_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "RESULTS", tmp_path)
    calls = []

    def measure(name):
        calls.append(name)
        return {"value": len(calls)}

    benchmark = registry.Benchmark(
        "made-up", "A benchmark made up here.", lambda: {n: lambda n=n: measure(n) for n in "ab"}, dict
    )
    registry.run(benchmark)
    registry.run(benchmark)
    assert calls == ["a", "b"]
    registry.run(benchmark, again=True, only=["b"])
    assert calls == ["a", "b", "b"]
    assert {n: r["value"] for n, r in benchmark.results().items()} == {"a": 1, "b": 3}


def example(name):
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_cell_of_one_s_own_learns_to_count():
    assert example("own_cell").main() > 0.99


def test_a_hybrid_recalls_what_a_recurrence_alone_does_not():
    hybrid, alone = example("recall").main()
    assert hybrid > 0.98
    assert alone < 0.6


def test_an_echo_state_network_goes_on_by_itself():
    near, far = example("echo_state").main(units=150, train=2000)
    assert near < 0.002
    assert far < 0.05


def test_the_assistant_of_the_example_trains_answers_and_is_saved(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.warns(DataWarning, match="HassNevermind"):
        example("assistant").main(epochs=1)
    assert "tell me a joke" in capsys.readouterr().out
    assert (tmp_path / "assistant.safetensors").stat().st_size > 1e6


def test_the_lists_of_the_example_are_learned_from_and_the_model_is_saved(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert 0 <= example("listops").main(lists=60, epochs=1) <= 1
    assert "(MAX 2 (MIN 9 (SM 4 8)) 1) MAX=" in capsys.readouterr().out
    assert (tmp_path / "listops.safetensors").stat().st_size > 100_000


def test_melodies_have_full_bars_whatever_was_learned(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert example("melodies").main(epochs=3, count=4) == 1.0
    assert "X:1\nM:6/8\nL:1/8\nK:G\nD|GBd " in capsys.readouterr().out


def test_dates_are_learnt_from_and_the_model_is_saved(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert 0 <= example("dates").main(dates=60, epochs=1) <= 1
    assert "12.iv.2001 -> " in capsys.readouterr().out
    assert (tmp_path / "dates.safetensors").exists()
    assert (tmp_path / "dates.png").exists()


def test_a_machine_that_fails_is_noticed(tmp_path):
    picture = tmp_path / "machine.png"
    assert example("failing_machine").main(picture=str(picture), epochs=2, hidden=8, context=48) == 1.0
    assert picture.exists()


def test_sunspots_are_foretold_and_drawn(tmp_path, capsys):
    picture = tmp_path / "sunspots.png"
    error = example("sunspots").main(str(picture), members=1, epochs=2, hidden=4, device="cpu")
    assert 0 < error < 10
    assert picture.exists()
    assert "MASE of repeating the cycle before: 1.234" in capsys.readouterr().out


def test_rivals_spend_at_most_as_many_alarms_and_no_alarm_lies_in_a_range():
    from benchmarks.nab import against, alarms_of, z_scores

    values = np.random.default_rng(1).standard_normal(2000)
    values[1500:1510] += 20
    scores = z_scores(values, 200)
    assert alarms_of(scores, 8.0, 300) == [1500]
    for count, alarms in against(scores, [5, 0, 1, 1], 300).items():
        assert len(alarms) <= count
        assert (1500 in alarms) == (count > 0)


def test_sentences_of_a_dictionary_are_found_once_and_without_remarks():
    from benchmarks.translation import sentences

    text = "\n".join(
        [
            "# a head :: of the file",
            "Haus {n} | Das ist mein Haus. [Dt.] :: house | This is my house (here). /TIMH/; That is my house.",
            "Das ist mein Haus. :: This house is mine.",
            "Wer kommt mit? :: Who is coming?",
            "Er/sie kommt heute. :: He comes today.",
            "drei Teile | zwei :: three parts",
        ]
    )
    assert sentences(text) == [
        ("Das ist mein Haus.", "This is my house."),
        ("Wer kommt mit?", "Who is coming?"),
    ]


def test_translations_are_means_over_seeds_at_the_rate_that_was_chosen():
    from benchmarks import translation

    def result(bleu, loss):
        scores = {"bleu": bleu, "chrf": 2 * bleu}
        lists = {"valid_loss": [9.0, loss], "pairs": 1234, "cpu_seconds": 10 * bleu}
        return lists | {"test_greedy": scores, "test_beam": {name: value + 1 for name, value in scores.items()}}

    results = {}
    for who, best in translation.CHOSEN.items():
        for rate in translation.RATES:
            results[f"{who}-plain-{rate:g}-1"] = result(3.0 if rate == best else 99.0, 4.0)
        results[f"{who}-plain-{best:g}-2"] = result(5.0, 4.5)
    told = translation.summary(results)
    assert told["ours-plain"]["runs"] == 2
    assert (told["ours-plain"]["greedy_bleu"], told["peer-plain"]["beam_chrf"]) == (4.0, 9.0)
    assert told["ours-plain"]["cpu_seconds"] == 40.0
    [row] = table.ROWS["translation"](told)
    assert row[0].startswith("German to English, short sentences, 1,234 to learn from, 2 seeds")
    assert row[1] == "**5.00 / 9.00** (4.00 / 8.00)"


def test_the_rates_that_are_compared_are_the_better_ones_on_the_validation_pairs():
    from benchmarks import translation

    kept = registry.find("translation").results()
    for who, best in translation.CHOSEN.items():
        names = {rate: f"{who}-plain-{rate:g}-{translation.SEEDS[0]}" for rate in translation.RATES}
        if set(names.values()) <= set(kept):
            assert min(names, key=lambda rate: min(kept[names[rate]]["valid_loss"])) == best


def test_a_slot_that_only_some_splits_test_is_averaged_over_those():
    from benchmarks.slots import summary, with_slots
    from ostinato.data.assistant import Record

    lamp = ((9, 13, "name"),)
    assert with_slots([Record(0, "off", "turn off lamp", lamp)]) == (["turn off lamp"], ["off"], [list(lamp)])
    counts = ("accuracy", "accuracy_with_refusal", "out_of_scope_recall", "processor_seconds")
    alone = dict.fromkeys(counts, 0.75)
    record = alone | {"slot_f1": 0.5, "request_accuracy": 0.5}
    results = {
        "joint-0": {**record, "slots": {"name": {"f1": 0.5}}},
        "joint-1": {**record, "slots": {"area": {"f1": 1.0}}},
    }
    told = summary({**results, "intents-0": alone})
    found = {slot: (score["mean"], score["runs"]) for slot, score in told["slots"].items()}
    assert found == {"area": (1.0, 1), "name": (0.5, 1)}
    [row] = table.ROWS["slots"](told)
    assert row[1:] == ("**75.0 %** / 50.0 %", "intents alone: 75.0 %")
    assert not list(table.ROWS["slots"](summary({})))

    assert "slot" in next(table.ROWS["slots"](told))[0]


def test_the_language_model_of_transfer_never_sees_a_sentence_of_the_test(tmp_path, monkeypatch):
    from benchmarks import transfer

    rows = {"neg": [f"bad film {k}" for k in range(600)], "pos": [f"good film {k}" for k in range(600)]}
    with zipfile.ZipFile(tmp_path / "sentence_polarity.zip", "w") as archive:
        for name, texts in rows.items():
            archive.writestr(f"sentence_polarity/rt-polarity.{name}", "\n".join(texts) + "\n")
    parts = transfer.parts(tmp_path)
    assert {name: len(texts) for name, (texts, _) in parts.items()} == {"learn": 80, "choose": 1000, "test": 120}
    assert not set(parts["test"][0]) & {*parts["learn"][0], *parts["choose"][0]}
    for texts, truth in parts.values():
        assert all((label == "positive") == text.startswith("good") for text, label in zip(texts, truth, strict=True))
    # Smaller, all of it runs: a language model, rates, a seed with them.
    monkeypatch.setenv("OSTINATO_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(transfer, "RESULTS", tmp_path)
    monkeypatch.setattr(transfer, "LANGUAGE", transfer.LANGUAGE | {"hidden": 4, "embedding": 3, "epochs": 1})
    monkeypatch.setattr(transfer, "SHAPE", transfer.SHAPE | {"hidden": 4, "embedding": 3})
    monkeypatch.setattr(transfer, "EPOCHS", {"20": 2})
    monkeypatch.setattr(transfer, "WAYS", {"scratch": {"scratch": (1e-3,)}, "transfer": {"thawing": (1e-3, 2e-3)}})
    monkeypatch.setattr(transfer, "CHOSEN_WITH", {"20": "20"})
    (tmp_path / "transfer").mkdir()
    record = transfer.choose(tmp_path, "20")
    assert record["transfer"]["rate"] in (1e-3, 2e-3)
    (tmp_path / "transfer" / "20-chosen.json").write_text(json.dumps(record))
    results = {f"20-seed-{seed}": transfer.measure(tmp_path, "20", seed) for seed in (1, 2)}
    assert transfer.summary(results)["20"]["gain"]["runs"] == 2
    [(what, ours, beside)] = table.ROWS["transfer"]({"100": transfer.summary(results)["20"]})
    assert "100 labels" in what
    assert ours.count("%") == beside.count("%") == 1


def test_no_story_of_the_test_is_learnt_from_and_some_are_twice_as_long():
    from benchmarks.stories import stories

    for kind in STORIES:
        learn, held, test = stories(kind, shrink=20)
        told, chosen, others = ({story.sentences for story in part} for part in (learn, held, test))
        assert (len(told), len(held), len(test)) == (500, 25, 50)
        assert not told & chosen
        assert not others & (told | chosen)
        longest = max(len(story.sentences) for story in (*learn, *held))
        assert longest < max(len(story.sentences) for story in test) <= 2 * longest


def test_stories_are_asked_about_kind_by_kind():
    from benchmarks.stories import measured, summary

    kept = {name: measured(name, 1, shrink=250, epochs=1, hidden=8) for name in ("additive", "none")}
    for record in kept.values():
        assert [*record["kinds"]] == ["1", "2", "6", "7", "8"]
        assert record["stories"][0] >= 200
        assert record["stories"][1:] == [10, 20]
        for shares in record["kinds"].values():
            assert all(0 <= share <= 1 for share in shares.values())
    found = summary(kept)
    assert {*found} == {*kept}
    [(_, ours, beside)] = table.ROWS["stories"](found)
    assert ours.count(" / ") == beside.count(" / ") == 4
