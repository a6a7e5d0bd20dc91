//! Files that are being read: when one is shortened meanwhile the command says so, and none is ever written to.

use std::fs::{self, File};

use onelayer::data::layout::RECORD;
use onelayer::train::Checkpoint;

use super::{Desk, Done};

#[test]
fn a_file_that_is_shortened_while_it_is_read_is_named() {
    let desk = Desk::new();
    let path = desk.path("data/data_batch_1.bin");
    // Seven epochs: for fewer than eight the images are not copied. Of the reference, which takes its time.
    fs::write(&path, vec![1; 4000 * RECORD]).unwrap();
    let train = "train --data data --engine reference --epochs 7 --checkpoint-every 1 --out run --quiet";
    let mut child = desk.spawn(train);
    desk.wait_for("run/checkpoint.bin");
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    let status = child.wait().unwrap();
    let message = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert_eq!(status.code(), Some(1), "{message}");
    let expected = format!("a file that stays {} bytes long while it is read", 4000 * RECORD);
    let line =
        format!("onelayer: data/data_batch_1.bin: expected {expected}, found one that was shortened\n");
    assert_eq!(message, line);
    Checkpoint::load(&desk.path("run/checkpoint.bin")).unwrap();
}

/// Runs `arguments`, which must be refused because `output` is the file `input`, and change nothing.
#[track_caller]
fn assert_refused(desk: &Desk, arguments: &str, output: &str, input: &str) {
    let data = || ["data_batch_1", "data_batch_2", "test_batch"].map(|name| read(desk, name));
    let (before, contents) = (data(), desk.files());
    let message = desk.failure(arguments, 1);
    let found = format!("data/{input}.bin, which is being read");
    assert_eq!(message, format!("{output}: expected an output that is no input, found {found}"));
    assert!(data() == before && desk.files() == contents, "{arguments}");
}

fn read(desk: &Desk, name: &str) -> Vec<u8> {
    fs::read(desk.path("data").join(name).with_extension("bin")).unwrap()
}

#[test]
fn an_output_that_is_an_input_is_refused_by_whatever_name() {
    let desk = Desk::new();
    fs::create_dir(desk.path("hard")).unwrap();
    fs::hard_link(desk.path("data/test_batch.bin"), desk.path("hard/model.safetensors")).unwrap();
    fs::create_dir(desk.path("soft")).unwrap();
    std::os::unix::fs::symlink(desk.path("data/data_batch_2.bin"), desk.path("soft/run.json")).unwrap();
    for verb in ["train", "reproduce"] {
        let train = format!("{verb} --data data --epochs 1 --overwrite --out");
        assert_refused(&desk, &format!("{train} hard"), "hard/model.safetensors", "test_batch");
        assert_refused(&desk, &format!("{train} soft"), "soft/run.json", "data_batch_2");
        let message = desk.failure(&format!("{train} data"), 1);
        assert!(message.contains("expected an output that is no input, found data/"), "{message}");
    }
    // A run's own file as data, which that run would replace.
    fs::create_dir(desk.path("run")).unwrap();
    fs::rename(desk.path("data/data_batch_1.bin"), desk.path("run/history.csv")).unwrap();
    std::os::unix::fs::symlink("../run/history.csv", desk.path("data/data_batch_1.bin")).unwrap();
    let train = "train --data data --epochs 1 --overwrite --out run";
    assert_refused(&desk, train, "run/history.csv", "data_batch_1");
}

#[test]
fn what_is_printed_does_not_go_into_an_input() {
    let desk = Desk::new();
    desk.run("train --data data --epochs 1 --no-report --out run");
    let before = read(&desk, "test_batch");
    for output in ["--csv", "--json", ""] {
        let mut command = desk.command(&format!("evaluate run/model.safetensors --data data {output}"));
        let stdout = File::options().append(true).open(desk.path("data/test_batch.bin")).unwrap();
        let message = Done::of(command.stdout(stdout)).failure(1);
        let expected = "standard output: expected an output that is no input, found data/test_batch.bin";
        assert!(message.starts_with(expected), "{message}");
        assert!(read(&desk, "test_batch") == before);
    }
}
