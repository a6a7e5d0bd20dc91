//! The page of a sweep is balanced, needs nothing else, and shows every run and the choice among them.

use std::fs;

use onelayer::files::{Existing, RunFolder};
use onelayer::report::{SweepContents, write_sweep, write_sweep_csv};
use onelayer::sweep::record::{Row, SweepSeconds};
use onelayer::sweep::{Ending, Outcome, Rung, SweepRecord, id};
use onelayer::train::{EpochRecord, EpochSeconds, Fingerprint, Metrics, Settings};

use crate::markup::{between, check_balanced, check_figure, table};
use crate::runs::Runs;

/// A run that was trained for so many epochs to this accuracy.
fn outcome(settings: Settings, status: Ending, epoch: usize, accuracy: f64) -> Outcome {
    let metrics = |loss: f64| Metrics { loss, cost: loss + 0.5, accuracy, top5: None };
    let record = |epoch| {
        let loss =
            if status == Ending::Diverged { f64::INFINITY } else { 3.0 - accuracy - 0.01 * epoch as f64 };
        let seconds = EpochSeconds { train: 0.1, evaluate: 0.1 };
        EpochRecord { epoch, train: metrics(loss), validation: metrics(loss), seconds }
    };
    let weights_sha256 = if status == Ending::Done { "ab".repeat(32) } else { String::new() };
    Outcome {
        id: id(&settings),
        status,
        epoch,
        config: settings,
        weights_sha256,
        history: (1..=epoch).map(record).collect(),
        ended: None,
    }
}

/// Three by two settings: one is dropped, one diverges.
fn grid() -> Vec<Outcome> {
    let run = |index: usize| {
        let settings = Settings {
            eta: [0.001, 0.01, 0.1][index / 2],
            lambda: [0.0, 0.5][index % 2],
            ..Settings::default()
        };
        let (status, epoch) = match index {
            4 => (Ending::Dropped, 5),
            5 => (Ending::Diverged, 1),
            _ => (Ending::Done, 40),
        };
        outcome(settings, status, epoch, (30 + index) as f64 / 100.0)
    };
    let mut outcomes: Vec<Outcome> = (0..6).map(run).collect();
    outcomes.sort_by(|one, other| one.compare(other));
    outcomes
}

fn record(outcomes: &[Outcome]) -> SweepRecord {
    let mut best = Runs::one().records.remove(0);
    best.dataset.path = Some("a <b> & \"c\"".into());
    let winner = outcomes.iter().find(|outcome| outcome.has_model());
    let lists = [("eta", "0.001..0.1:3"), ("lambda", "0,0.5")];
    SweepRecord {
        runs: outcomes.iter().map(Row::from).collect(),
        refit: false,
        version: "0.1.0".into(),
        date: String::new(),
        machine: "a machine of 2 cores".into(),
        dataset: best.dataset.clone(),
        fingerprint: Fingerprint { train: String::new(), validation: String::new(), classes: Vec::new() },
        engine: best.engine.clone(),
        best: winner.map(|winner| {
            best.name = Some(winner.id.clone());
            best.config = winner.config.clone();
            best
        }),
        space: lists.map(|(name, list)| (name.to_string(), vec![list.to_string()])).into(),
        random: None,
        halving: Some(3),
        path: false,
        rungs: vec![Rung { epoch: 5, keep: 4 }],
        seconds: SweepSeconds { load: 0.1, train: 2.5, total: 2.7 },
        shard: None,
        out: "runs/grid".into(),
    }
}

/// Writes the report, and returns its folder and the page.
fn write(outcomes: &[Outcome]) -> (tempfile::TempDir, String) {
    let scratch = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(scratch.path(), Existing::Refuse).unwrap();
    let (record, outcomes) = (record(outcomes), outcomes.iter().collect::<Vec<_>>());
    let command = "onelayer sweep --data 'A & B'";
    write_sweep(&folder, &SweepContents { record: &record, outcomes: &outcomes, command }).unwrap();
    write_sweep_csv(&folder, &outcomes).unwrap();
    let page = fs::read_to_string(scratch.path().join("report.html")).unwrap();
    check_balanced(&page);
    for outside in ["<script", "<link", "src=", "url(", "@import", "javascript:"] {
        assert!(!page.contains(outside), "{outside}");
    }
    (scratch, page)
}

#[test]
fn the_page_shows_every_run_the_best_first_and_what_choosing_it_means() {
    let outcomes = grid();
    let (scratch, page) = write(&outcomes);
    let rows = table(&page, "allruns");
    let shown: Vec<[&str; 7]> =
        rows.iter().map(|row| std::array::from_fn(|cell| row[cell].as_str())).collect();
    let figures: Vec<[&str; 6]> = shown.iter().map(|row| std::array::from_fn(|cell| row[cell + 1])).collect();
    assert_eq!(
        figures,
        [
            ["0.01", "0.5", "done", "40", "2.2700", "33.00 %"],
            ["0.01", "0", "done", "40", "2.2800", "32.00 %"],
            ["0.001", "0.5", "done", "40", "2.2900", "31.00 %"],
            ["0.001", "0", "done", "40", "2.3000", "30.00 %"],
            ["0.1", "0", "dropped", "5", "2.6100", "34.00 %"],
            ["0.1", "0.5", "diverged", "1", "not finite", "35.00 %"],
        ]
    );
    assert!(shown.iter().map(|row| row[0]).eq(outcomes.iter().map(|outcome| outcome.id.as_str())));
    for words in [
        "A sweep of 6 settings",
        "settings tried: 1 dropped and 1 diverged",
        "the highest validation accuracy of 6 tried",
        // The root of 0.33 x 0.67 / 10,000; no other run is so near.
        "a standard error of 0.47 points; 1 of the runs",
        "the best 4 went on after epoch 5",
        "a &#60;b&#62; &#38; &#34;c&#34;",
        "onelayer sweep --data &#39;A &#38; B&#39;",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let winner = table(&page, "winner");
    assert_eq!(
        (&winner[0][1], &winner[1][1], &winner[2][1]),
        (&outcomes[0].id, &"0.01".into(), &"0.5".into())
    );

    let markdown = fs::read_to_string(scratch.path().join("report.md")).unwrap();
    let pictures = between(&markdown, "](", ")");
    assert_eq!(pictures, ["validation_accuracy.svg", "validation_loss.svg", "curves.svg"]);
    for picture in pictures {
        let svg = fs::read_to_string(scratch.path().join(picture)).unwrap();
        check_figure(&svg);
        assert!(page.contains(svg.trim_end()), "{picture}");
    }
}

#[test]
fn the_map_has_a_cell_for_each_pair_of_values_and_a_frame_around_the_winner() {
    let (scratch, _page) = write(&grid());
    let read = |name: &str| fs::read_to_string(scratch.path().join(name)).unwrap();
    let (accuracy, loss) = (read("validation_accuracy.svg"), read("validation_loss.svg"));
    // White ground, six cells, a frame.
    assert_eq!(accuracy.matches("<rect").count(), 1 + 6 + 1);
    for text in [">33.0<", ">34.0<", ">epoch 5<", ">div.<", ">0.001<", ">0.5<", ">eta<", ">lambda<"] {
        assert_eq!(accuracy.matches(text).count(), 1, "{text}");
    }
    assert!(loss.contains(">2.270<") && loss.contains(">2.610<"));
    // The best is the darkest, and the worse half is white.
    assert!(
        accuracy.contains("fill-opacity=\"1.000\"")
            && accuracy.matches("fill-opacity=\"0.000\"").count() >= 3
    );
}

#[test]
fn the_table_of_all_runs_is_there_as_csv() {
    let (scratch, _page) = write(&grid());
    let csv = fs::read_to_string(scratch.path().join("sweep.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    let names: Vec<&str> = lines[0].split(',').collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(names[..3], ["run", "status", "epoch"]);
    assert!(Settings::TABLE.iter().all(|row| names.contains(&row.name)));
    let field = |line: &str, name: &str| {
        line.split(',').nth(names.iter().position(|found| *found == name).unwrap()).unwrap().to_string()
    };
    assert_eq!(
        (field(lines[1], "validation_accuracy"), field(lines[1], "eta")),
        ("0.33".into(), "0.01".into())
    );
    assert_eq!(
        (field(lines[6], "status"), field(lines[6], "validation_loss")),
        ("diverged".into(), String::new())
    );
    assert_eq!(field(lines[1], "weights_sha256"), "ab".repeat(32));
}

#[test]
fn random_points_are_points_and_other_sweeps_have_pages_too() {
    // Points, of which no two have a value in common.
    let drawn: Vec<Outcome> = (1..30)
        .rev()
        .map(|point| {
            let settings = Settings {
                eta: 0.001 * f64::from(point),
                lambda: 0.01 / f64::from(point),
                ..Settings::default()
            };
            outcome(settings, Ending::Done, 3, 0.01 * f64::from(point))
        })
        .collect();
    let (scratch, _page) = write(&drawn);
    let map = fs::read_to_string(scratch.path().join("validation_accuracy.svg")).unwrap();
    check_figure(&map);
    assert_eq!(map.matches("fill-opacity").count(), 29);

    // One setting alone varies; none does; three do, one of which is no number.
    let by = |seed: u64, batch: usize, shuffle| Settings { seed, batch, shuffle, ..Settings::default() };
    let one: Vec<Outcome> = (0..4).map(|seed| outcome(by(seed, 100, false), Ending::Done, 2, 0.3)).collect();
    let (_scratch, page) = write(&one);
    assert!(page.contains("id=\"map\""));
    let (_scratch, page) = write(&one[..1]);
    assert!(!page.contains("id=\"map\"") && page.contains("id=\"curves\""));
    let three: Vec<Outcome> = [(1, 50, false), (2, 50, true), (1, 20, true)]
        .into_iter()
        .map(|(seed, batch, shuffle)| outcome(by(seed, batch, shuffle), Ending::Done, 2, 0.3))
        .collect();
    let (_scratch, page) = write(&three);
    assert!(page.contains("Of runs that differ in seed alone, the best is shown"));

    let diverged = [outcome(Settings::default(), Ending::Diverged, 0, 0.0)];
    let (_scratch, page) = write(&diverged);
    assert!(
        page.contains("Every run diverged")
            && !page.contains("id=\"winner\"")
            && !page.contains("id=\"curves\"")
    );
}
