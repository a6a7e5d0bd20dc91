//! Data that is not as it was meant to be: what it is taken for, and what is said of it.

use std::collections::BTreeMap;

use onelayer::model::{Model, Parameters, Standardization};
use onelayer::objective::Objective;

use super::Desk;
use super::support::data_sets::write_pair;

/// A folder `data` with two splits of images of four pixels, three of which are the same in all of them.
fn desk() -> Desk {
    let desk = Desk::bare();
    let images: Vec<u8> = (0..20).flat_map(|image| [7, 7, 7, image]).collect();
    for split in ["train", "test"] {
        write_pair(&desk.path("data"), split, &[20, 4], &images, &[0, 1].repeat(10));
    }
    desk
}

#[test]
fn pixels_that_say_nothing_are_warned_of() {
    let desk = desk();
    let train = "train --data data --batch 1 --epochs 1 --no-report --overwrite --out run --quiet";
    for verb in [train, "info data"] {
        let (text, _) = desk.run(verb);
        assert!(text.contains("warning   3 of 4 pixels are constant in training\n"), "{text}");
    }
    write_pair(&desk.path("data"), "train", &[20, 4], &[0; 80], &[0, 1].repeat(10));
    let (text, _) = desk.run(train);
    assert!(text.contains("warning   all training images are the same: every pixel is constant\n"), "{text}");
    write_pair(&desk.path("data"), "train", &[20, 4], &(0..80).collect::<Vec<u8>>(), &[0, 1].repeat(10));
    assert!(!desk.run(train).0.contains("warning"));
}

#[test]
fn fewer_images_than_a_batch_are_one_batch() {
    let desk = desk();
    let few = "batch     all 16 training images, as there are fewer than 100\n";
    for (verb, folder) in [("train", "one"), ("reproduce", "four")] {
        let (text, _) = desk.run(&format!("{verb} --data data --epochs 2 --out {folder}"));
        assert!(text.contains(few), "{text}");
        let page = desk.read(&format!("{folder}/report.md"));
        assert!(page.contains(" --batch 16 "), "{page}");
        // What is asked for must be there.
        let message = desk.failure(&format!("{verb} --data data --batch 100"), 2);
        assert_eq!(message, "--batch: expected 1 to 16, the images of the training split, found 100");
    }
    let asked = "train --data data --batch 16 --epochs 1 --no-report --checkpoint-every 1 --out asked";
    assert!(!desk.run(asked).0.contains("as there are fewer"));
    assert!(!desk.run("train --resume asked --epochs 2 --no-report").0.contains("as there are fewer"));
    let (text, _) = desk.run("bench --quick --engine gemm --data data --out timed");
    assert!(
        text.contains("batch     16 images\n") && desk.read_json("timed/bench.json")["batch"] == 16,
        "{text}"
    );
    let (text, _) = desk.run("gradcheck --data data --engine gemm");
    assert!(text.contains("batch     16 images, "), "{text}");
    for arguments in ["bench --quick --batch", "gradcheck --images"] {
        let message = desk.failure(&format!("{arguments} 17 --data data"), 2);
        assert!(
            message.ends_with("expected 1 to 16, the images of the training split, found 17"),
            "{message}"
        );
    }
}

#[test]
fn control_characters_of_a_model_reach_no_terminal() {
    let desk = desk();
    let odd = "a\u{1b}[2J\r\nb\u{85}\u{2028}c";
    let model = Model {
        parameters: Parameters::zeros(2, 4),
        standardization: Standardization { mean: vec![0.5; 4], std: vec![0.25; 4] },
        objective: Objective::default(),
        classes: vec![odd.into(), "=1+1".into()],
        metadata: BTreeMap::from([(odd.into(), odd.into())]),
    };
    model.save(&desk.path("model\u{1b}.safetensors")).unwrap();
    let model = "model\u{1b}.safetensors";
    for (words, lines) in [
        (format!("evaluate {model} --data data"), 13),
        (format!("evaluate {model} --data data --csv"), 3),
        (format!("predict {model} data/test_images.npy:0"), 3),
        (format!("predict {model} data/test_images.npy:0 --csv"), 2),
        (format!("info {model}"), 8),
    ] {
        let (stdout, stderr) = desk.run(&words);
        let text = stdout.clone() + &stderr;
        let control = |c: char| c != '\n' && c.is_control() || c == '\u{2028}';
        assert!(!text.contains(control) && text.contains("a\\u{1b}[2J\\r\\nb"), "{words:?}: {text:?}");
        assert_eq!(stdout.lines().count(), lines, "{words:?}: {stdout}");
    }
}

#[test]
fn images_used_twice_and_classes_without_images_are_warned_of() {
    let desk = Desk::new();
    let warnings = |options: &str| {
        let text =
            desk.run(&format!("train --data data --epochs 1 --no-report --overwrite --out run {options}")).0;
        let lines = text.lines().filter_map(|line| line.strip_prefix("warning   ").map(String::from));
        lines.collect::<Vec<_>>()
    };
    assert!(warnings("").is_empty());
    assert!(warnings("--validation-images 20").is_empty());
    for (options, warning) in [
        (
            "--train-files test_batch.bin",
            "test_batch.bin is used for training and test: what was seen is no test",
        ),
        (
            "--train-files data_batch_1.bin,./data_batch_1.bin",
            "data_batch_1.bin is named 2 times for training",
        ),
        (
            "--validation-files data_batch_1.bin",
            "data_batch_1.bin is used for training and validation: what was seen is no test",
        ),
    ] {
        assert_eq!(warnings(options), [warning]);
    }
    let (text, _) = desk.run("evaluate run --data data --test-files test_batch.bin,test_batch.bin");
    assert!(text.contains("warning   test_batch.bin is named 2 times for test\n"), "{text}");

    // Sorted by class: the last fifth, which validates, is the last class alone. -1 as a byte is 255.
    let desk = self::desk();
    let warnings = || {
        let text = desk.run("train --data data --batch 1 --epochs 1 --no-report --overwrite --out run").0;
        text.lines().filter(|line| line.contains("no image")).map(String::from).collect::<Vec<_>>()
    };
    let labels: Vec<u8> = (0..20).map(|n| n / 4).collect();
    let pixels: Vec<u8> = (0..80).collect();
    for split in ["train", "test"] {
        write_pair(&desk.path("data"), split, &[20, 4], &pixels, &labels);
    }
    let sorted =
        ["warning   no image for validation is of 0, 1, 2, 3", "warning   no image for training is of 4"];
    assert_eq!(warnings(), sorted);
    let train = "train --data data --batch 1 --epochs 1 --no-report --overwrite --out run";
    let hint = "hint      --validation-split 0.2 --stratify holds out images of every class\n";
    assert!(desk.run(train).0.contains(hint));
    for verb in [train, "info data", "gradcheck --data data --images 4"] {
        let (text, _) = desk.run(&format!("{verb} --validation-split 0.25 --stratify"));
        assert!(text.contains("15 training, 5 validation, 20 test"), "{text}");
        assert!(!text.contains("no image") && !text.contains(hint), "{text}");
    }
    for split in ["train", "test"] {
        write_pair(&desk.path("data"), split, &[20, 4], &pixels, &[8, 1].repeat(10));
    }
    std::fs::write(desk.path("data/classes.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\n").unwrap();
    let never = "warning   no image for training, validation, test is of a, c, d, e, f and 2 more classes";
    assert_eq!(warnings(), [never]);
}
