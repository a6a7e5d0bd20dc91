//! A setting is one row of a table: what it goes through, it goes through by its name there.

use onelayer::samples::{Rows, Samples};
use onelayer::train::{Optimizer, Run, Scope, Settings};

/// Another value than the default, for each type of setting.
pub fn other(name: &str, default: &str) -> String {
    match default {
        "false" => "true".into(),
        "true" => "false".into(),
        "sgd" => "lbfgs".into(),
        "softmax" => "sigmoid".into(),
        "normal" => "xavier".into(),
        "constant" => "step:3:0.5".into(),
        "equal" => "balanced".into(),
        "0" if matches!(name, "momentum" | "label_smoothing") => "0.5".into(),
        "0" if name == "clip" => "0.25".into(),
        number => {
            let number: f64 =
                number.parse().unwrap_or_else(|_| panic!("{name} {number}: another kind of value"));
            (2.0 * number + 1.0).to_string()
        }
    }
}

#[test]
fn every_setting_is_in_json_and_comes_back_from_text() {
    let default = Settings::default();
    let json = serde_json::to_value(&default).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), Settings::TABLE.len());
    for row in Settings::TABLE {
        assert!(keys.iter().any(|key| *key == row.name), "{}", row.name);
        assert!(!row.help.trim().is_empty(), "{}", row.name);
        let value = other(row.name, &default.get(row.name));
        let mut settings = default.clone();
        settings.set(row.name, &value).unwrap();
        assert_eq!(settings.get(row.name), value, "{}", row.name);
        let written = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&written).unwrap(), settings, "{}", row.name);
        let error = settings.set(row.name, "?").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{}: expected ", row.name)) && error.ends_with("found ?"),
            "{error}"
        );
    }
}

#[test]
fn runs_side_by_side_may_differ_in_their_own_settings_alone() {
    for row in Settings::TABLE {
        let mut runs = vec![Run::single(Settings::default()).remove(0); 2];
        if !runs[0].settings.uses(row.name) {
            runs.iter_mut().for_each(|run| run.settings.optimizer = Optimizer::Lbfgs);
        }
        let value = other(row.name, &runs[1].settings.get(row.name));
        runs[1].settings.set(row.name, &value).unwrap();
        let (data, floats) = (vec![0; 1000 * 3072], vec![0.0; 1000 * 3072]);
        let labels = Rows::contiguous(&data[..1000], 1);
        let train = match row.name {
            // Bytes are not clipped.
            "clip" => Samples::new(Rows::floats(&floats, 3072), labels),
            _ => Samples::new(Rows::contiguous(&data, 3072), labels),
        };
        let checked = Run::check(&runs, &train, 10);
        if row.scope == Scope::Own {
            checked.unwrap();
        } else {
            let error = checked.unwrap_err().to_string();
            assert!(error.starts_with(row.name) && error.contains("the run beside it"), "{error}");
        }
    }
}

#[test]
fn runs_whose_images_are_drawn_at_random_share_a_seed() {
    let mut runs = vec![Run::lab().remove(0); 2];
    runs[1].settings.seed = 1;
    assert_eq!(runs[0].settings.parts_with(&runs[1].settings), None);
    let draws: [fn(&mut Settings); 3] = [|s| s.shuffle = true, |s| s.flip = true, |s| s.shift = 1];
    for draw in draws {
        let mut runs = runs.clone();
        runs.iter_mut().for_each(|run| draw(&mut run.settings));
        assert_eq!(runs[0].settings.parts_with(&runs[1].settings), Some("seed"));
    }
}
