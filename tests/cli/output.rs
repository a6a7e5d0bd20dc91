//! What is printed, and where.

use std::io::Read;
use std::process::Stdio;

use super::Desk;

#[test]
fn text_is_for_stdout_and_moves_to_stderr_where_json_is_asked_for() {
    let desk = Desk::new();
    for verb in ["train", "reproduce"] {
        let arguments = format!("{verb} --data data --epochs 2 --no-report --overwrite --out run");
        let (text, nothing) = desk.run(&arguments);
        assert_eq!(nothing, "", "{verb}");
        for fact in ["CIFAR-10 (data): 300 training", "batch 100, epochs 2", "epoch 2", "written   run"] {
            assert!(text.contains(fact), "{verb}: {fact:?} in {text}");
        }
        let (json, text) = desk.run(&format!("{arguments} --json"));
        serde_json::from_str::<serde_json::Map<_, _>>(&json).expect("one object and nothing else");
        assert!(text.contains("epoch 2") && text.contains("written   run"), "{verb}: {text}");
        let results = text.lines().skip_while(|line| !line.starts_with("epoch 2")).nth(1);
        assert_eq!(results, Some(""), "an empty line before the results: {text}");
    }
}

#[test]
fn quiet_leaves_the_results_and_nothing_else() {
    let desk = Desk::new();
    let options = "--data data --epochs 2 --no-report --quiet --overwrite --out run";
    for (verb, results) in [("train", "test  "), ("reproduce", "test4")] {
        let (text, nothing) = desk.run(&format!("{verb} {options}"));
        assert!(text.contains(results) && text.contains("written   run"), "{text}");
        assert!(!text.contains("epoch ") && !text.contains("data  "), "{text}");
        assert_eq!(nothing, "");
    }
    let (text, _) = desk.run("evaluate run/test2/model.safetensors --data data --quiet");
    assert!(text.starts_with("run/test2/model.safetensors on the test split, 100 images: loss "), "{text}");
}

#[test]
fn a_model_of_other_classes_is_warned_of() {
    let desk = Desk::new();
    desk.run("train --epochs 1 --no-report --out run");
    let (text, _) = desk.run("evaluate run/model.safetensors --data data --quiet");
    assert!(text.starts_with("warning   class 0 is sun to the model, and airplane in the data\n"), "{text}");
    let (text, _) = desk.run("evaluate run/model.safetensors --quiet");
    assert!(!text.contains("warning"), "{text}");
}

#[test]
fn synthetic_images_are_named_as_such_whatever_the_output() {
    let desk = Desk::new();
    let verbs = [
        "train --epochs 1 --no-report --overwrite --out run",
        "reproduce --epochs 1 --no-report --overwrite --out four",
        "evaluate run/model.safetensors",
        "info",
    ];
    for verb in verbs {
        for options in ["", "--quiet", "--json", "--json --quiet"] {
            let (stdout, stderr) = desk.run(&format!("{verb} {options}"));
            let people = if options.contains("--json") { stderr } else { stdout.clone() };
            for fact in ["data      synthetic (built in)", "This is not CIFAR", "onelayer fetch"] {
                assert!(people.contains(fact), "{verb} {options}: {fact:?} in {people}");
            }
            assert!(!options.contains("--json") || stdout.contains("\"name\": \"synthetic\""), "{stdout}");
        }
    }
    let (record, _) = desk.run("info run");
    assert!(record.contains("synthetic (built in)"), "{record}");
    desk.run("synth --out written --quiet");
    let (text, _) = desk.run("train --data written --epochs 1 --no-report --overwrite --out run --quiet");
    assert!(text.contains("synthetic (written)") && text.contains("This is not CIFAR"), "{text}");
    assert_eq!(std::fs::read_dir(desk.path("tmp")).unwrap().count(), 0, "nothing stays behind");
}

#[test]
fn a_reader_who_goes_away_stops_nothing() {
    let desk = Desk::new();
    for verb in ["train", "reproduce"] {
        for options in ["", "--json", "--quiet"] {
            let arguments =
                format!("{verb} --data data --epochs 30 --overwrite --no-report --out run {options}");
            let mut command = desk.command(&arguments);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            drop(child.stdout.take());
            let mut message = String::new();
            child.stderr.take().unwrap().read_to_string(&mut message).unwrap();
            assert!(child.wait().unwrap().success(), "{arguments}: {message}");
            assert!(!message.contains("panicked"), "{arguments}: {message}");
            assert!(desk.path("run/run.json").exists(), "{arguments}");
            std::fs::remove_dir_all(desk.path("run")).unwrap();
        }
    }
    // A complaint that nobody reads is no reason to panic either.
    let mut child = desk.command("train --eta x").stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn help_and_version_are_results() {
    let desk = Desk::new();
    let (help, _) = desk.run("--help");
    for verb in ["train", "reproduce", "evaluate", "synth", "info", "completions"] {
        assert!(help.contains(&format!("\n  {verb} ")), "{help}");
        assert!(desk.run(&format!("{verb} --help")).0.contains(&format!("Usage: onelayer {verb}")));
    }
    assert_eq!(desk.run("--version").0, format!("onelayer {}\n", env!("CARGO_PKG_VERSION")));
}
