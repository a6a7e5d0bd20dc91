//! `onelayer gradcheck`: both criteria over every parameter, what a failure says, and the step sweep.

use std::env;

use serde_json::Value;

use super::{Desk, Done};

/// The command on real images, where they are, and on the built-in ones elsewhere.
fn gradcheck(desk: &Desk, arguments: &str) -> Done {
    let mut command = desk.command(&format!("gradcheck {arguments}"));
    Done::of(command.envs(env::var_os("ONELAYER_DATA").map(|folder| ("ONELAYER_DATA", folder))))
}

#[track_caller]
fn json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}", done.stderr))
}

fn criteria(report: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    report["criteria"].as_array().unwrap().iter()
}

#[test]
fn the_verdict_comes_first() {
    let desk = Desk::new();
    let (text, _) = desk.run("gradcheck --data data --images 5 --lambda 0 --engine simd");
    let verdict = text.lines().position(|line| line.starts_with("PASSED    all")).expect("a verdict");
    let table = text.lines().position(|line| line.starts_with("criterion")).expect("a table");
    assert!(verdict < table, "{text}");
    let failed = desk.done("gradcheck --data data --images 5 --lambda 0 --engine simd --step 0.5");
    assert!(failed.stdout.contains("FAILED    ") && failed.code == Some(1), "{}", failed.stdout);
}

#[test]
fn every_criterion_holds_over_every_parameter_at_every_lambda() {
    let desk = Desk::bare();
    let output = gradcheck(&desk, "--json");
    assert_eq!(output.code, Some(0));
    let report = json(&output);
    assert_eq!(report["passed"], true);
    assert_eq!(report["parameters"], 30_730);
    for lambda in ["lambda 0", "lambda 0.1", "lambda 1"] {
        let find = |what: &str| {
            let name = format!("{what}, {lambda}");
            criteria(&report)
                .find(|criterion| criterion["name"] == name.as_str())
                .unwrap_or_else(|| panic!("{name}"))
        };
        // What the numerics promise is less than what the criteria allow.
        for (what, threshold, promised) in [
            ("reference f64 absolute error", 1e-6, 1e-9),
            ("reference f64 relative error (Eq. 1)", 1e-6, 1e-7),
            ("simd f32 error in units of its tolerance", 1.0, 1.0),
            ("gemm f32 error in units of its tolerance", 1.0, 1.0),
        ] {
            let criterion = find(what);
            assert_eq!(criterion["threshold"], threshold);
            assert_eq!((&criterion["entries"], &criterion["failed"]), (&30_730.into(), &0.into()));
            assert_eq!(criterion["passed"], true);
            let error = criterion["max_error"].as_f64().unwrap();
            assert!(error > 0.0 && error < promised, "{criterion}");
        }
        assert_eq!(find("reference f64 absolute error of entries below eps")["threshold"], 1e-6 * 1e-3);
        assert_eq!(find("reference f64 differences against full recomputation")["entries"], 64);
    }
}

#[test]
fn an_engine_is_held_to_the_rounding_of_its_own_numbers() {
    let desk = Desk::bare();
    for (engine, numbers) in [("auto", "f32"), ("gemm", "f32"), ("fixed", "16-bit")] {
        let arguments = format!("--engine {engine} --images 3 --lambda 0 --json");
        let report = json(&gradcheck(&desk, &arguments));
        for what in ["error", "update"] {
            let named = format!(" {numbers} {what} in units of its tolerance");
            let criterion =
                criteria(&report).rfind(|criterion| criterion["name"].as_str().unwrap().contains(&named));
            // Held to f32 the fixed engine would be far above 1, to 16 bits the others far below 1e-6.
            let error = criterion.expect(&named)["max_error"].as_f64().unwrap();
            assert!((1e-6..1.0).contains(&error), "{engine}, {what}: {error}");
        }
    }
}

#[test]
fn a_failure_names_the_parameter_its_class_its_pixel_and_both_values() {
    let desk = Desk::bare();
    // So coarse a step that the difference is not the slope.
    let arguments = "--step 0.1 --lambda 0.1 --engine reference --images 3";
    let output = gradcheck(&desk, arguments);
    assert_eq!(output.code, Some(1));
    let message = output.stderr.lines().find(|line| line.starts_with("onelayer: ")).unwrap();

    let report = json(&gradcheck(&desk, &format!("{arguments} --json")));
    assert_eq!(report["passed"], false);
    let failed = criteria(&report).find(|criterion| criterion["passed"] == false).unwrap();
    let worst = &failed["worst"];
    for part in ["name", "threshold"].map(|key| failed[key].to_string().replace('"', "")) {
        assert!(message.contains(&part), "{part}: {message}");
    }
    let [parameter, class, channel] =
        ["parameter", "class", "channel"].map(|key| worst[key].as_str().unwrap());
    let (row, column) = (&worst["row"], &worst["column"]);
    let place = format!("{parameter} (class {class}, pixel row {row}, column {column}, {channel})");
    assert!(message.contains(&place), "{place}: {message}");
    let (_, values) = message.rsplit_once(": ").unwrap();
    let (analytic, numerical) = values.split_once(" against ").unwrap();
    for (said, key) in [(analytic, "analytic"), (numerical, "numerical")] {
        // JSON's reader may be off in the last place.
        let (said, held): (f64, f64) = (said.parse().unwrap(), worst[key].as_f64().unwrap());
        assert!((said - held).abs() <= 1e-15 * held.abs(), "{key} {held:e}: {message}");
    }
    // The place is that of the parameter: red, green and blue planes of 32 x 32.
    let feature: usize = parameter.split([' ', ']']).nth(1).unwrap().parse().unwrap();
    let plane = ["red", "green", "blue"].iter().position(|name| *name == channel).unwrap();
    let [row, column] = [row, column].map(|number| number.as_u64().unwrap() as usize);
    assert_eq!(feature, plane * 1024 + row * 32 + column);
}

#[test]
fn the_step_sweep_is_a_v_that_f32_never_takes_below_the_threshold() {
    let desk = Desk::bare();
    let report = json(&gradcheck(&desk, "--step-sweep --out sweep --json --lambda 0 --engine reference"));
    let sweep = &report["step_sweep"];
    let column = |name: &str| -> Vec<f64> {
        sweep["rows"].as_array().unwrap().iter().map(|row| row[name].as_f64().unwrap()).collect()
    };
    let steps = column("step");
    assert_eq!((steps.len(), steps[0], steps[22]), (23, 0.1, 1e-12));
    let best = |name: &str| {
        let errors = column(name);
        let best = (0..errors.len()).min_by(|&a, &b| errors[a].total_cmp(&errors[b])).unwrap();
        assert!(errors[0] > 3.0 * errors[best] && errors[22] > 3.0 * errors[best], "{name}: {errors:?}");
        (steps[best], errors[best])
    };
    // (the step that is best within a decade or so, and the error that it leaves)
    let within = |(step, error): (f64, f64), steps: [f64; 2], errors: [f64; 2]| {
        assert!((steps[0]..=steps[1]).contains(&step), "step {step:e}");
        assert!((errors[0]..=errors[1]).contains(&error), "error {error:e}");
    };
    within(best("central_f64"), [1e-6, 1e-4], [1e-12, 1e-9]);
    within(best("forward_f64"), [1e-8, 1e-6], [1e-10, 1e-6]);
    within(best("central_f32"), [1e-3, 1e-1], [1e-6, 1e-3]);
    within(best("forward_f32"), [1e-4, 1e-1], [1e-6, 1e-2]);

    assert_eq!(desk.read("sweep/step_sweep.csv").lines().count(), 24);
    let figure = desk.read("sweep/step_sweep.svg");
    for text in ["f64, central", "f32, forward", "step h", "threshold 1e-6", "1e-12"] {
        assert!(figure.contains(text), "{text}");
    }
    assert_eq!(sweep["figure"], "sweep/step_sweep.svg");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let desk = Desk::bare();
    for (arguments, expected) in [
        ("--images 0", "--images: expected 1 to "),
        ("--images 10001", "--images: expected 1 to "),
        ("--lambda -1", "--lambda: expected a finite number, 0 or more, found -1"),
        ("--step 0", "--step: expected a finite number above 0, found 0"),
        ("--eps NaN", "--eps: expected a finite number above 0, found NaN"),
    ] {
        let message = gradcheck(&desk, arguments).failure(2);
        assert!(message.contains(expected), "{message}");
    }
}
