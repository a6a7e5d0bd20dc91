//! A setting is one row of a table: wherever people meet settings, each of them is there by its name.

use onelayer::model::Model;
use onelayer::train::{Optimizer, Settings};

use super::Desk;

#[test]
fn every_setting_is_an_option_and_is_in_record_model_info_and_command() {
    let of_sgd = [
        ("eta", "0.03125"),
        ("lambda", "0.125"),
        ("schedule", "step:1:0.5"),
        ("momentum", "0.5"),
        ("batch", "30"),
        ("epochs", "2"),
        ("shuffle", "true"),
        ("no_standardize", "true"),
        ("mirror", "true"),
        ("shift", "1"),
        ("seed", "7"),
        ("init", "xavier"),
        ("evaluate_every", "2"),
        ("early_stop", "5"),
        ("best", "true"),
        ("objective", "softmax"),
        ("label_smoothing", "0.25"),
        ("class_weights", "balanced"),
    ];
    let of_lbfgs = [
        ("optimizer", "lbfgs"),
        ("iterations", "7"),
        ("tol", "0.001953125"),
        ("lambda", "0.125"),
        ("no_standardize", "true"),
        ("mirror", "true"),
        ("evaluate_every", "2"),
        ("early_stop", "5"),
        ("best", "true"),
        ("objective", "softmax"),
        ("label_smoothing", "0.25"),
        ("class_weights", "balanced"),
    ];
    // Flips and mirrors do not go together, and bytes are not clipped.
    let rows = || Settings::TABLE.iter().map(|row| row.name).filter(|name| !matches!(*name, "flip" | "clip"));
    for (given, optimizer) in [(&of_sgd[..], Optimizer::Sgd), (&of_lbfgs[..], Optimizer::Lbfgs)] {
        let settings = Settings { optimizer, ..Settings::default() };
        let used = rows().filter(|name| settings.uses(name));
        let used = used.filter(|name| *name != "optimizer" || optimizer == Optimizer::Lbfgs);
        assert!(given.iter().map(|(name, _)| *name).eq(used), "every setting of {optimizer}");
        check(given);
    }
}

/// Trains with these settings, and looks for them.
fn check(given: &[(&str, &str)]) {
    let desk = Desk::new();
    let option = |name: &str| format!("--{}", name.replace('_', "-"));
    let word = |(name, value): &(&str, &str)| match *value {
        "true" => option(name),
        value => format!("{} {value}", option(name)),
    };
    let words: Vec<String> = given.iter().map(word).collect();
    let (text, _) = desk.run(&format!("train --data data --out run {}", words.join(" ")));
    let record = desk.read_json("run/run.json");
    let model = Model::load(&desk.path("run/model.safetensors")).unwrap();
    let (info, page) = (desk.run("info run").0, desk.read("run/report.md"));
    let help = desk.run("train --help").0;
    for (&(name, value), words) in given.iter().zip(&words) {
        assert_eq!(record["config"][name].to_string().trim_matches('"'), value, "{name}");
        // What few people set is told where it is not the default.
        let told = name != "objective";
        assert!(!told || page.contains(words.as_str()), "{words} in the command of the report");
        assert!(help.contains(&option(name)), "{name} in the help");
        match name {
            "objective" => assert_eq!(model.objective.loss.to_string(), value),
            "label_smoothing" => assert_eq!(model.objective.smoothing.to_string(), value),
            "class_weights" => assert_eq!(model.objective.class_weights.len(), 10),
            _ => assert_eq!(model.metadata[name], value, "{name}"),
        }
        if matches!(name, "objective" | "label_smoothing" | "class_weights") {
            continue;
        }
        let words = format!("{} {value}", name.replace('_', " "));
        assert!(text.contains(&words), "{words:?} in the heading");
        assert!(info.contains(value), "{value} of {name} in info");
    }
}

#[test]
fn settings_have_the_names_that_people_know() {
    let desk = Desk::new();
    let record =
        desk.json("train --data data --epochs 1 --lr 0.5 --weight-decay 0.25 --batch-size 50 --out run");
    let config = &record["config"];
    assert_eq!(
        (&config["eta"], &config["lambda"], &config["batch"]),
        (&0.5.into(), &0.25.into(), &50.into())
    );
    let longer = desk.json("train --data data --epochs 1 --learning-rate 0.5 --out other");
    assert_eq!(longer["config"]["eta"], 0.5);
}
