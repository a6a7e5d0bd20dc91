//! `sweep` finds the best of many settings, tests it alone, and says what it did.

use onelayer::model::Model;
use onelayer::train::Settings;
use serde_json::Value;

use super::Desk;
use super::records::{assert_keys, assert_run_keys};
use super::support::files;

/// Two batches, so that there are two groups.
const SWEEP: &str = "sweep --data data --eta 0.001..0.1:3 --lambda 0,0.5 --batch 30,50 --epochs 3";

pub fn rows(record: &Value) -> &[Value] {
    record["runs"].as_array().unwrap()
}

fn accuracy(row: &Value) -> f64 {
    row["validation"]["accuracy"].as_f64().unwrap()
}

#[test]
fn it_has_the_promised_keys_and_the_best_run_is_the_one_that_train_trains() {
    let desk = Desk::new();
    let record = desk.json(&format!("{SWEEP} --out out"));
    assert_keys(
        &record,
        "runs best refit version date machine dataset fingerprint engine space random halving path rungs seconds shard out",
    );
    assert_keys(&record["seconds"], "load train total");
    let rows = rows(&record);
    assert_eq!(rows.len(), 12);
    let settings = Settings::TABLE.iter().map(|row| row.name).collect::<Vec<_>>().join(" ");
    for row in rows {
        assert_keys(row, "id config status epoch validation weights_sha256");
        assert_keys(&row["config"], &settings);
        assert_keys(&row["validation"], "loss accuracy");
        assert_eq!((&row["status"], &row["epoch"]), (&"done".into(), &3.into()));
    }
    assert!(rows.is_sorted_by(|one, other| accuracy(one) >= accuracy(other)), "the best first");
    assert_eq!(desk.read_json("out/sweep.json"), record);
    assert_eq!(
        files(&desk.path("out")),
        [
            "best/accuracy.svg",
            "best/confusion.svg",
            "best/history.csv",
            "best/loss.svg",
            "best/model.safetensors",
            "best/probabilities.svg",
            "best/report.html",
            "best/report.md",
            "best/run.json",
            "best/templates.png",
            "best/templates.svg",
            "curves.svg",
            "report.html",
            "report.md",
            "runs.jsonl",
            "sweep.csv",
            "sweep.json",
            "validation_accuracy.svg",
            "validation_loss.svg"
        ]
    );

    let best = &record["best"];
    assert_run_keys(best, "name fingerprint ");
    assert_eq!((&best["name"], &best["config"]), (&rows[0]["id"], &rows[0]["config"]));
    assert_eq!(*best, desk.read_json("out/best/run.json"));
    let option = |name: &str| format!("--{name} {}", best["config"][name]);
    let options = ["eta", "lambda", "batch", "epochs"].map(option).join(" ");
    let alone = desk.json(&format!("train --data data {options} --no-report --out alone"));
    for key in ["weights_sha256", "test", "config"] {
        assert_eq!(best[key], alone[key], "{key}");
    }
    assert_eq!(rows[0]["weights_sha256"], alone["weights_sha256"]);
    let model = |folder: &str| Model::load(&desk.path(&format!("{folder}/model.safetensors"))).unwrap();
    assert!(model("out/best") == model("alone"));
}

#[test]
fn the_commands_on_its_pages_make_it_again() {
    let desk = Desk::new();
    let lists =
        "--eta 0.001..0.1:3 --class-weights equal --class-weights 1,2,1,1,1,1,1,1,1,1 --shuffle=true,false";
    desk.run(&format!("sweep --data data {lists} --epochs 2 --halving 2 --seed 3 --out out --quiet"));
    let record = desk.read_json("out/sweep.json");
    let again = |page: &str, out: &str| {
        let page = desk.read(page);
        let again = page.lines().find(|line| line.starts_with("    onelayer")).unwrap();
        let script = format!("onelayer() {{ \"$0\" \"$@\"; }}; {again} --out {out} --quiet --no-report");
        let done = super::Done::of(&mut desk.command_under(&["sh", "-c", &script], ""));
        assert_eq!(done.code, Some(0), "{again}: {}", done.stderr);
    };
    again("out/report.md", "again");
    assert_eq!(desk.read_json("again/sweep.json")["runs"], record["runs"]);
    assert_eq!(rows(&record).len(), 12);
    again("out/best/report.md", "best");
    assert_eq!(desk.read_json("best/run.json")["weights_sha256"], record["best"]["weights_sha256"]);
    assert_eq!(files(&desk.path("again/best")), ["history.csv", "model.safetensors", "run.json"]);
}

#[test]
fn where_every_run_diverges_there_is_no_best() {
    let desk = Desk::new();
    let sweep = "sweep --data data --eta 1e17,1e18 --lambda 1 --epochs 2 --out out --json";
    let done = desk.done(sweep);
    assert_eq!(done.code, Some(3));
    assert!(done.stderr.contains("training diverged in epoch 1 with eta 1e1"), "{}", done.stderr);
    let record: Value = serde_json::from_str(&done.stdout).unwrap();
    assert!(record["best"].is_null() && rows(&record).iter().all(|row| row["status"] == "diverged"));
}

#[test]
fn what_is_printed_names_the_best_and_what_choosing_it_does() {
    let desk = Desk::new();
    let (text, progress) = desk.run(&format!("{SWEEP} --out out"));
    let record = desk.read_json("out/sweep.json");
    for words in [
        "12 settings, all of eta 0.001..0.1:3, lambda 0,0.5, batch 30,50",
        "100 %  0 runs alive, 12 ended, epoch 3",
        "settings  epochs 3, shuffle false, seed 0\n",
        "the highest of 12 tried: choosing it makes it too high",
        rows(&record)[0]["id"].as_str().unwrap(),
        "and 2 more: sweep.csv has all",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(progress, "");
    let (text, _) = desk.run(&format!("{SWEEP} --out other --quiet"));
    assert!(!text.contains(" %  ") && text.contains("best"), "{text}");
}

#[test]
fn a_path_says_so_and_is_made_again_by_its_command() {
    let desk = Desk::new();
    let sweep = "sweep --data data --optimizer lbfgs --lambda 0.01..10:4 --path --out out";
    let (said, remarks) = desk.run(sweep);
    let line = "path      from the largest lambda down, each run from where the one before it ended";
    assert!(remarks.contains(line) || said.contains(line), "{said}{remarks}");
    assert_eq!(desk.read_json("out/sweep.json")["path"], true);
    assert!(desk.read("out/report.md").contains("--path"));
    assert!(
        desk.read("out/report.html").contains("each run begins where that with the next larger lambda ended")
    );
    let again = desk.failure(&format!("{} --quiet --resume", sweep.replace(" --path", "")), 2);
    assert_eq!(again, "--path: expected true, as in the sweep that is resumed, found false");
}

#[test]
fn halving_goes_on_with_the_best_and_says_so() {
    let desk = Desk::new();
    let sweep = "sweep --data data --eta 0.001..0.1:4 --lambda 0,0.5 --epochs 8 --halving 2 --out out";
    let (text, _) = desk.run(sweep);
    let words = "the best 4 after epoch 1, the best 2 after epoch 2 and the best 1 after epoch 4 go on";
    assert!(text.contains(words), "{text}");
    let record = desk.read_json("out/sweep.json");
    let row = |row: &Value| (row["status"].as_str().unwrap().to_string(), row["epoch"].as_u64().unwrap());
    let found: Vec<(String, u64)> = rows(&record).iter().map(row).collect();
    let dropped = [4, 2, 2, 1, 1, 1, 1].map(|epoch| ("dropped".to_string(), epoch));
    assert_eq!(found, [[("done".to_string(), 8)].as_slice(), &dropped].concat());
    assert_eq!(record["halving"], 2);
    assert_eq!(
        record["rungs"].to_string(),
        r#"[{"epoch":1,"keep":4},{"epoch":2,"keep":2},{"epoch":4,"keep":1}]"#
    );
    assert!(!desk.path("out/states").exists());
}

#[test]
fn points_are_drawn_by_the_seed() {
    let desk = Desk::new();
    let drawn = |options: &str, out: &str| {
        let sweep =
            "sweep --data data --eta 1e-3..1e-1 --lambda 0,0.5 --shuffle=true,false --epochs 1 --random 9";
        let record = desk.json(&format!("{sweep} {options} --out {out}"));
        rows(&record).iter().map(|row| row["config"].clone()).collect::<Vec<_>>()
    };
    let first = drawn("", "first");
    assert_eq!((first.len(), &first), (9, &drawn("--seed 0 --threads 1", "second")));
    assert!(first.iter().all(|config| (1e-3..=1e-1).contains(&config["eta"].as_f64().unwrap())));
    assert_ne!(first, drawn("--seed 1", "third"));
}

#[test]
fn what_cannot_be_swept_is_told_in_one_line() {
    let desk = Desk::new();
    for (options, line) in [
        ("--eta 0.1,x", "--eta: expected a number, found x"),
        (
            "--eta 1..2",
            "--eta: expected LO..HI:N, as every combination is tried: N points evenly in their logarithms, found 1..2",
        ),
        ("--eta=-1,1", "--eta: expected a number from 0 to 3.4028235e38, found -1.0"),
        ("--batch 10,301", "--batch: expected 1 to 300, the images of the training split, found 301"),
        ("--random 0", "--random: expected 1 to 100000 points, found 0"),
        ("--shuffle=perhaps", "--shuffle: expected true or false, found perhaps"),
    ] {
        assert_eq!(desk.failure(&format!("sweep --data data {options}"), 2), line);
    }
    assert!(!desk.path("runs").exists());
}

#[test]
fn the_best_run_is_trained_again_on_all_images_where_that_is_asked_for() {
    let desk = Desk::new();
    let sweep = "sweep --data data --eta 0.001..0.1:3 --epochs 6 --best --early-stop 2 --momentum 0,0.9";
    desk.run(&format!("{sweep} --out plain --quiet"));
    let (text, _) = desk.run(&format!("{sweep} --refit --out refit"));
    assert!(text.contains("trained again on the training and the validation images"), "{text}");
    let [plain, refit] = ["plain", "refit"].map(|folder| desk.read_json(&format!("{folder}/sweep.json")));
    assert_eq!((&plain["runs"], &plain["refit"]), (&refit["runs"], &false.into()));
    let (best, config) = (&refit["best"], &plain["best"]["config"]);
    assert_eq!(
        (&best["name"], &best["config"], &best["dataset"]["train"]),
        (&plain["best"]["name"], config, &500.into())
    );
    assert_eq!(refit["refit"], true);

    // The same as training on both files, to the epoch of the winner's model.
    let model = |folder: &str| Model::load(&desk.path(&format!("{folder}/model.safetensors"))).unwrap();
    let epoch: u64 = model("plain/best").metadata["epoch"].parse().unwrap();
    let options = format!("--eta {} --momentum {} --epochs {epoch}", config["eta"], config["momentum"]);
    let files = "--train-files data_batch_1.bin,data_batch_2.bin --validation-files data_batch_2.bin";
    let alone = desk.json(&format!("train --data data {files} {options} --no-report --out alone"));
    assert_eq!((&best["weights_sha256"], &best["test"]), (&alone["weights_sha256"], &alone["test"]));
    assert_ne!(best["weights_sha256"], plain["best"]["weights_sha256"]);

    // It was trained on the validation images, and says so.
    let (text, _) = desk.run("evaluate refit/best --data data --split validation");
    assert!(text.contains("trained on 200 of the 200 images in data_batch_2.bin"), "{text}");
    let (text, _) = desk.run("evaluate plain/best --data data --split validation");
    assert!(!text.contains("warning"), "{text}");

    let message = desk.failure("sweep --data data --refit --shard 1/2", 2);
    assert_eq!(message, "--refit: cannot be combined with --shard");
}
