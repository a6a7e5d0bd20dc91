//! Writes `seeds/`: for each target, small files of the kinds that it reads.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use onelayer::data::layout::RECORD;
use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::model::{Model, Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::samples::{Rows, Samples};
use onelayer::train::{Checkpoint, Run, Session, Settings, Splits};

fn main() {
    for (index, records) in [1, 2].into_iter().enumerate() {
        let file: Vec<u8> =
            (0..records * RECORD).map(|i| if i % RECORD == 0 { 9 } else { i as u8 }).collect();
        save("records", index, &[&[9], &file[..]].concat());
    }
    let fine: Vec<u8> = (0..RECORD + 1).map(|i| i as u8).collect();
    save("records", 2, &[&[19], &fine[..]].concat());
    for (index, name) in
        ["cifar-10-batches-py/data_batch_1", "cifar-100-python/train", "fortran_batch", "python3_batch"]
            .into_iter()
            .enumerate()
    {
        save(
            "pickle",
            index,
            &[&[9 + u8::from(index == 1)], &tested(&format!("data/python/{name}"))[..]].concat(),
        );
    }
    for (index, name) in ["cifar-10-batches-py/batches.meta", "cifar-100-python/meta"].into_iter().enumerate()
    {
        save(
            "pickle",
            4 + index,
            &[&[9 + index as u8], &tested(&format!("data/python/{name}"))[..]].concat(),
        );
    }
    let arrays = [
        ("|u1", "False", "(2, 3)", 6),
        ("|u1", "False", "(6,)", 6),
        ("<f4", "True", "(2, 3)", 24),
        (">f2", "False", "(2, 2, 2, 3)", 48),
        ("<f8", "False", "(1, 3)", 24),
        (">i8", "False", "(2, 1)", 16),
    ];
    for (index, (kind, fortran, shape, bytes)) in arrays.into_iter().enumerate() {
        let header = format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
        let header = format!("{header:<117}\n");
        save("npy", index, &[b"\x93NUMPY\x01\x00\x76\x00", header.as_bytes(), &vec![7; bytes]].concat());
    }
    for (index, name) in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"].into_iter().enumerate() {
        save("idx", index, &tested(&format!("data/numpy/{name}")));
    }
    for (index, name) in ["keras.npz", "stored.npz"].into_iter().enumerate() {
        save("npz", index, &[&[0], &tested(&format!("data/numpy/{name}"))[..]].concat());
    }
    for (index, name) in ["faint.webp", "halves-lossless.webp", "animated.gif"].into_iter().enumerate() {
        save("picture", 5 + index, &tested(&format!("picture/{name}")));
    }
    save("model", 0, &model(2, 1).to_bytes());
    save("model", 1, &model(3, 5).to_bytes());
    for (index, epochs) in [1, 3].into_iter().enumerate() {
        let bytes = checkpoint(epochs).to_bytes();
        // The target adds the sum itself.
        save("checkpoint", index, &bytes[..bytes.len() - 32]);
    }
    let tar = tar();
    save("archive", 0, &[&[1], &tar[..]].concat());
    save("archive", 1, &[&[0], &gzipped(&tar)[..]].concat());
    for (index, colour) in
        [png::ColorType::Rgb, png::ColorType::GrayscaleAlpha, png::ColorType::Indexed].into_iter().enumerate()
    {
        save("picture", index, &picture(colour));
    }
    for (index, name) in ["halves", "turned"].iter().enumerate() {
        save("picture", 3 + index, &tested(&format!("picture/{name}.jpg")));
    }
}

fn save(target: &str, index: usize, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(index.to_string()), bytes).expect("a file");
}

/// A file that the tests read too.
fn tested(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(name)).expect("a file")
}

fn model(classes: usize, features: usize) -> Model {
    Model {
        parameters: Parameters::random(classes, features, 0),
        standardization: Standardization { mean: vec![0.5; features], std: vec![0.25; features] },
        objective: Objective::default(),
        classes: (0..classes).map(|class| class.to_string()).collect(),
        metadata: [("eta".to_string(), "0.1".to_string())].into(),
    }
}

fn checkpoint(epochs: usize) -> Checkpoint {
    let (bytes, labels) = ([3, 1, 4, 1, 5, 9, 2, 6], [0, 1, 1, 0]);
    let samples = Samples::new(Rows::contiguous(&bytes, 2), Rows::contiguous(&labels, 1));
    let classes = ["a", "b"].map(String::from);
    let splits = Splits { train: samples.clone(), validation: samples, classes: &classes };
    let settings = Settings { eta: 0.1, lambda: 0.5, batch: 3, epochs, shuffle: true, ..Settings::default() };
    let team = Team::new(NonZeroUsize::MIN).expect("a thread");
    let machine = Machine { engine: EngineKind::Reference, isa: None, team };
    let mut last = None;
    let mut session = Session::new(splits, Run::single(settings), &machine).expect("settings");
    session.save_checkpoints(1, |checkpoint| {
        last = Some(checkpoint);
        Ok(())
    });
    session.run(&mut ()).expect("training");
    drop(session);
    last.expect("a checkpoint after the last epoch")
}

fn tar() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, contents) in [("small/a.bin", vec![7; 1024]), ("small/names.txt", b"cat\ndog\n".to_vec())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, &contents[..]).expect("memory takes it");
    }
    tar.into_inner().expect("memory takes it")
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn picture(colour: png::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 5, 3);
    encoder.set_color(colour);
    encoder.set_palette(vec![0; 3 * 256]);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&vec![7; 5 * 3 * colour.samples()]).expect("pixels");
    writer.finish().expect("an end");
    bytes
}
