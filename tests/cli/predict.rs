//! `onelayer predict`: pictures, folders of them and records, with a bad one among them.

use std::collections::BTreeMap;
use std::fs;

use onelayer::data::layout::{FEATURES, RECORD};
use onelayer::model::{Model, Parameters, Standardization};
use onelayer::objective::Objective;
use serde_json::Value;

use super::support::data_sets::{array, write_pair};
use super::{Desk, Done};

/// A folder with a model of two classes, `red` and `blue`, that answers with the brighter of the two
/// channels; with pictures in `pictures/`, one of them damaged; and with records: 0 is red, 1 is blue, both
/// labelled blue.
fn scene() -> Desk {
    let desk = Desk::bare();
    let mut parameters = Parameters::zeros(2, FEATURES);
    parameters.weight[..1024].fill(0.01);
    parameters.weight[FEATURES + 2048..].fill(0.01);
    let standardization = Standardization { mean: vec![0.5; FEATURES], std: vec![0.25; FEATURES] };
    let classes = vec!["red".into(), "blue".into()];
    let objective = Objective::default();
    let model = Model { parameters, standardization, objective, classes, metadata: BTreeMap::new() };
    model.save(&desk.path("model.safetensors")).unwrap();

    let pictures = desk.path("pictures");
    fs::create_dir(&pictures).unwrap();
    for (name, colour) in [("a.png", [200, 0, 0]), ("c.PNG", [0, 0, 200])] {
        fs::write(pictures.join(name), png(40, 30, colour)).unwrap();
    }
    fs::write(pictures.join("b.jpg"), "not a picture").unwrap();
    fs::write(pictures.join("notes.txt"), "not meant to be one").unwrap();

    let plane = |value| [value; 1024];
    let record = |planes: [u8; 3]| [&[1][..], planes.map(plane).as_flattened()].concat();
    let records = [record([200, 0, 0]), record([0, 0, 200])].concat();
    assert_eq!(records.len(), 2 * RECORD);
    fs::write(desk.path("two.bin"), records).unwrap();
    desk
}

pub fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    png_of(width, height, &colour.repeat((width * height) as usize))
}

fn png_of(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

fn predict(desk: &Desk, arguments: &str) -> (Option<i32>, String, String) {
    let Done { code, stdout, stderr } = desk.done(&format!("predict model.safetensors {arguments}"));
    (code, stdout, stderr)
}

#[test]
fn one_bad_picture_is_told_of_and_the_others_go_on() {
    let desk = scene();
    let (code, out, err) = predict(&desk, "pictures --json");
    assert_eq!(code, Some(1));
    assert_eq!(err.lines().count(), 2, "{err}");
    assert!(
        err.contains("b.jpg: expected a PNG, JPEG, WebP, GIF or BMP picture")
            && err.contains("1 of 3 pictures"),
        "{err}"
    );
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!([&lines[0]["top"][0]["class"], &lines[2]["top"][0]["class"]], ["red", "blue"]);
    assert!(lines[1]["error"].as_str().unwrap().contains("b.jpg"));
    for line in [&lines[0], &lines[2]] {
        assert!(line["truth"].is_null());
        let probability = |place: usize| line["top"][place]["probability"].as_f64().unwrap();
        assert!(probability(0) > probability(1) && (probability(0) + probability(1) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn text_says_what_was_done_and_shows_bars() {
    let desk = scene();
    let (code, out, err) = predict(&desk, "pictures/a.png two.bin:0-1 --top 1");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "pictures/a.png (40 x 30, its centre square averaged to 32 x 32)");
    assert!(lines[1].starts_with("  red  100.00 %  ████"), "{}", lines[1]);
    assert_eq!([lines[2], lines[4]], ["two.bin:0, labelled blue", "two.bin:1, labelled blue"]);
    assert!(lines[3].contains("red") && lines[5].contains("blue"));
    assert_eq!(lines.len(), 6);
}

#[test]
fn what_cannot_be_used_is_one_clear_line() {
    let desk = scene();
    fs::create_dir(desk.path("empty")).unwrap();
    let cases = [
        ("two.bin:2", "expected record numbers from 0 to 1, found 2 to 2"),
        ("two.bin:1-0", "expected record numbers from 0 to 1, found 1 to 0"),
        ("none.bin:0", "none.bin: cannot open"),
        ("none.npy", "none.npy: cannot open"),
        ("empty", "expected a folder with .png, .jpg, .jpeg, .webp, .gif or .bmp files"),
        ("none.png", "none.png: cannot open"),
        ("pictures/notes.txt:0", "a whole number of records"),
    ];
    for (argument, message) in cases {
        let (code, out, err) = predict(&desk, argument);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{argument}");
        assert!(err.lines().next().unwrap().contains(message), "{argument}: {err}");
    }
    assert_eq!(predict(&desk, "pictures --top 0").0, Some(2));
    assert_eq!(predict(&desk, "").0, Some(2));
}

#[test]
fn an_image_is_seen_the_same_in_a_picture_and_in_an_array_with_its_colours_last() {
    let desk = scene();
    // Pixels, colours last; the same for both images.
    let pixels: Vec<u8> = (0..FEATURES).map(|at| (at * at % 251 / (1 + at % 3 / 2)) as u8).collect();
    let planes: Vec<u8> = (0..FEATURES).map(|at| pixels[at % 1024 * 3 + at / 1024]).collect();
    for (folder, shape, pixels) in [
        ("last", &[2, 32, 32, 3][..], &pixels),
        ("first", &[2, 3, 32, 32], &planes),
        ("flat", &[2, 3072], &planes),
    ] {
        fs::create_dir(desk.path(folder)).unwrap();
        for split in ["train", "test"] {
            write_pair(&desk.path(folder), split, shape, &pixels.repeat(2), &[0, 1]);
        }
    }
    fs::write(desk.path("same.png"), png_of(32, 32, &pixels)).unwrap();
    let seen = ["same.png", "last/test_images.npy:1", "first/test_images.npy:1", "flat/test_images.npy:1"]
        .map(|image| desk.json(&format!("predict model.safetensors {image}"))["top"].clone());
    assert!(seen.iter().all(|top| *top == seen[0]), "{seen:?}");
    let [last, flat] = ["last", "flat"].map(|data| {
        desk.json(&format!("train --data {data} --batch 1 --epochs 1 --no-report --overwrite --out run"))
    });
    assert_eq!(last["weights_sha256"], flat["weights_sha256"]);
}

#[test]
fn an_array_without_labels_is_classified_whole_or_by_rows() {
    let desk = scene();
    // More rows than are classified together, brighter and brighter in blue, then in red.
    let row = |n: usize| [vec![(n % 256) as u8; 1024], vec![0; 1024], vec![(n / 2) as u8; 1024]].concat();
    let rows: Vec<u8> = (0..300).flat_map(row).collect();
    fs::write(desk.path("new.npy"), array(&[300, 3, 32, 32], &rows)).unwrap();
    let (csv, nothing) = desk.run("predict model.safetensors new.npy --csv --probabilities all.npy --quiet");
    assert_eq!(nothing, "written   all.npy: probabilities [300, 2]\n");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines.len(), lines[0]), (301, "image,class,probability"));
    let bytes = fs::read(desk.path("all.npy")).unwrap();
    let (header, values) = bytes.split_at(128);
    let header = String::from_utf8_lossy(header);
    assert!(header.contains("{'descr': '<f4', 'fortran_order': False, 'shape': (300, 2), }"), "{header}");
    let values: Vec<f32> = values.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    assert_eq!(values.len(), 600);
    for n in [0, 1, 255, 256, 299] {
        let one = desk.json(&format!("predict model.safetensors new.npy:{n}"));
        assert!(one["truth"].is_null());
        let top = &one["top"][0];
        let cells: Vec<&str> = lines[n + 1].split(',').collect();
        assert_eq!(cells[..2], [format!("new.npy:{n}"), top["class"].as_str().unwrap().into()]);
        let probability = top["probability"].as_f64().unwrap();
        assert_eq!(cells[2].parse::<f64>().unwrap(), probability, "{n}");
        let class = usize::from(top["class"] == "blue");
        assert_eq!(values[2 * n + class], probability as f32);
    }
    let (csv, _) = desk.run("predict model.safetensors new.npy:7-9 --csv");
    assert_eq!(csv.lines().count(), 4);
    let message = desk.failure("predict model.safetensors new.npy --probabilities new.npy", 1);
    assert!(message.contains("expected an output that is no input"), "{message}");
}

#[test]
fn pictures_of_every_kind_in_folders_within_folders_are_seen() {
    let desk = scene();
    fs::create_dir_all(desk.path("pictures/more/still more")).unwrap();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/picture");
    for name in ["halves.jpg", "halves.webp", "animated.gif"] {
        fs::copy(fixtures.join(name), desk.path("pictures/more/still more").join(name)).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("..", desk.path("pictures/more/up")).unwrap();
    let (code, out, err) = predict(&desk, "pictures --top 1");
    assert_eq!((code, err.lines().count()), (Some(1), 2), "{err}");
    let names: Vec<&str> = out.lines().step_by(2).map(|line| line.split(" (").next().unwrap()).collect();
    let within = |name: &str| format!("pictures/more/still more/{name}");
    let more = ["animated.gif", "halves.jpg", "halves.webp"].map(within);
    assert_eq!(names, ["pictures/a.png", "pictures/c.PNG", &more[0], &more[1], &more[2]]);
    assert!(out.contains("halves.webp (64 x 48, its centre square averaged to 32 x 32)\n"), "{out}");
}

/// A grey JPEG file of 12,000 x 9,000 pixels, without tables: six bits for each block of 64 pixels that is as the one
/// before it, in Annex K of the standard.
fn large_jpeg() -> Vec<u8> {
    let quantization = [&[0xFF, 0xDB, 0, 67, 0][..], &[1; 64]].concat();
    let [height, width] = [9_000_u16, 12_000].map(u16::to_be_bytes);
    let frame = [&[0xFF, 0xC0, 0, 11, 8][..], &height, &width, &[1, 1, 0x11, 0]].concat();
    let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0];
    let blocks = [0b0010_1000, 0b1010_0010, 0b1000_1010].repeat(1500 * 1125 / 4);
    [&[0xFF, 0xD8][..], &quantization, &frame, &scan, &blocks, &[0xFF, 0xD9]].concat()
}

#[cfg(target_os = "linux")]
#[test]
fn a_photograph_of_108_megapixels_takes_little_memory() {
    let desk = scene();
    fs::write(desk.path("large.jpg"), large_jpeg()).unwrap();
    let mut large_png = Vec::new();
    let mut encoder = png::Encoder::new(&mut large_png, 12_000, 9_000);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header().unwrap().write_image_data(&vec![0; 1_500 * 9_000]).unwrap();
    fs::write(desk.path("large.png"), large_png).unwrap();
    for name in ["large.jpg", "large.png"] {
        // Its pixels are 108 MB in grey.
        let limited = ["sh", "-c", "ulimit -v 100000 && exec \"$0\" \"$@\""];
        let mut command =
            desk.command_under(&limited, &format!("predict model.safetensors {name} --threads 1 --top 1"));
        let Done { code, stdout, stderr } = Done::of(&mut command);
        assert_eq!(code, Some(0), "{name}: {stderr}");
        assert!(
            stdout.starts_with(&format!("{name} (12000 x 9000, its centre square averaged to 32 x 32)\n")),
            "{stdout}"
        );
    }
}

#[test]
fn a_model_of_greys_or_of_other_sizes_is_shown_pictures_as_it_knows_them() {
    let desk = Desk::bare();
    let classes = vec!["dark".into(), "bright".into()];
    let save = |features: usize| {
        let mut parameters = Parameters::zeros(2, features);
        parameters.weight[features..].fill(1.0);
        let standardization = Standardization { mean: vec![0.5; features], std: vec![0.25; features] };
        let (objective, classes) = (Objective::default(), classes.clone());
        let model = Model { parameters, standardization, objective, classes, metadata: BTreeMap::new() };
        model.save(&desk.path("model.safetensors")).unwrap();
    };
    fs::write(desk.path("night.png"), png(40, 30, [0, 0, 90])).unwrap();
    fs::write(desk.path("day.png"), png(28, 28, [200, 220, 250])).unwrap();
    for (features, words) in [(784, "28 x 28 in grey"), (3 * 64 * 64, "64 x 64")] {
        save(features);
        let (_, out, _) = predict(&desk, "night.png day.png --top 1");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], format!("night.png (40 x 30, its centre square averaged to {words})"));
        assert!(lines[1].contains("dark") && lines[3].contains("bright"), "{out}");
        assert!(features != 784 || lines[2] == "day.png", "{out}");
    }
    save(5);
    let (code, _, err) = predict(&desk, "day.png");
    assert_eq!(code, Some(1));
    let expected = "model.safetensors: expected a model of 3072 features, as day.png has, found 5";
    assert!(err.contains(expected), "{err}");
}

/// Of equal logits the first class is the answer of both.
#[test]
fn predict_and_evaluate_answer_the_same() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --no-report --quiet --out run");
    let mut model = Model::load(&desk.path("run/model.safetensors")).unwrap();
    model.parameters.weight.fill(0.0);
    model.parameters.bias = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0].to_vec();
    model.save(&desk.path("ties.safetensors")).unwrap();
    for model in ["run", "ties.safetensors"] {
        let evaluated = desk.json(&format!("evaluate {model} --data data"));
        let (lines, _) = desk.run(&format!("predict {model} data/test_batch.bin:0-99 --csv --top 1"));
        let classes = evaluated["classes"].as_array().unwrap().iter().enumerate();
        for (class, name) in classes.map(|(class, record)| (class, record["name"].as_str().unwrap())) {
            let rows = evaluated["confusion"].as_array().unwrap();
            let found: u64 = rows.iter().map(|row| row[class].as_u64().unwrap()).sum();
            let predicted = lines.lines().filter(|line| line.split(',').nth(1) == Some(name)).count();
            assert_eq!(predicted as u64, found, "{model}, {name}");
        }
    }
}

#[test]
fn a_picture_that_cannot_be_read_keeps_its_row() {
    let desk = scene();
    let (code, out, err) = predict(&desk, "pictures --probabilities all.npy");
    assert_eq!((code, out.as_str()), (Some(1), "written   all.npy: probabilities [3, 2]\n"));
    assert!(err.contains("b.jpg"), "{err}");
    let bytes = fs::read(desk.path("all.npy")).unwrap();
    let values: Vec<f32> =
        bytes[128..].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    assert!(values.len() == 6 && values[2..4].iter().all(|value| value.is_nan()), "{values:?}");
    assert!(values[0] > 0.99 && values[5] > 0.99);
}

#[test]
fn a_record_is_labelled_as_its_own_data_set_says() {
    let desk = scene();
    write_pair(&desk.path("data"), "test", &[2, FEATURES], &[0; 2 * FEATURES], &[0, 1]);
    fs::write(desk.path("data/classes.txt"), "blue\nred\n").unwrap();
    let (out, _) = desk.run("predict model.safetensors data/test_images.npy:0-1 --top 1");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "warning   class 0 is red to the model, and blue in the data");
    assert_eq!(
        [lines[1], lines[3]],
        ["data/test_images.npy:0, labelled blue", "data/test_images.npy:1, labelled red"]
    );
    assert_eq!(desk.json("predict model.safetensors data/test_images.npy:0")["truth"], "blue");
}
