//! A disk that is full is an error that names the file, and the former file stays as it was.
//!
//! The limit is that of the shell on the size of a file, in 512 bytes: beyond it a write fails as on a full disk.

use std::fs::{self, File};

use onelayer::data::layout::RECORD;

use super::support::mounts;
use super::{Desk, Done};

/// Few images, so that an epoch is short, and a history of many soon written.
const TRAIN: &str = "train --data data --engine gemm --threads 1 --batch 10 --train-files few.bin \
     --validation-files others.bin --no-report --out run --quiet";

/// The one line of the command where no file may have more than `blocks` of 512 bytes.
fn limited(desk: &Desk, blocks: usize, arguments: &str) -> String {
    let script = format!("ulimit -f {blocks} && exec \"$0\" {arguments}");
    Done::of(&mut desk.command_under(&["sh", "-c", &script], "")).failure(1)
}

#[test]
fn whichever_file_does_not_fit_is_named_and_no_two_runs_are_mixed() {
    let desk = Desk::new();
    let images = fs::read(desk.path("data/test_batch.bin")).unwrap();
    fs::write(desk.path("data/few.bin"), &images[..10 * RECORD]).unwrap();
    fs::write(desk.path("data/others.bin"), &images[10 * RECORD..20 * RECORD]).unwrap();
    for (file, first, blocks, options) in [
        ("model.safetensors", true, 20, "--epochs 1"),
        ("checkpoint.bin", true, 20, "--epochs 1 --checkpoint-every 1"),
        // A model has 148 kB; a history about 100 bytes an epoch, and a record four times that.
        ("history.csv", false, 300, "--epochs 2500"),
        ("run.json", false, 300, "--epochs 700"),
    ] {
        desk.run(&format!("{TRAIN} {options}"));
        let path = desk.path("run").join(file);
        let former = fs::read(&path).unwrap();
        assert!(former.len() > 512 * blocks, "{file}: {} bytes", former.len());
        let arguments = format!("{TRAIN} {options} --seed 1 --overwrite");
        let message = limited(&desk, blocks, &arguments);
        assert_eq!(message, format!("run/{file}: cannot write: File too large (os error 27)"));
        // The first file of the new run replaces the old run, and no file of two runs is there.
        assert!(if first { fs::read(&path).unwrap() == former } else { !path.exists() }, "{file}");
        assert_eq!(desk.temporary_files(), 0);
        fs::remove_dir_all(desk.path("run")).unwrap();
    }
}

#[test]
fn data_that_does_not_fit_leaves_nothing() {
    let desk = Desk::new();
    let before = desk.files();
    let message = limited(&desk, 1000, "synth --out new");
    assert!(message.starts_with("new/") && message.contains("cannot write: File too large"), "{message}");
    assert_eq!(desk.files(), before);
}

#[test]
fn results_that_cannot_be_printed_are_an_error() {
    let desk = Desk::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let message = Done::of(desk.command("info data --data data").stdout(full)).failure(1);
    assert!(message.starts_with("standard output: cannot write: No space left"), "{message}");
}

/// A small disk of its own, which only root may mount, in a namespace that ends with the shell.
#[test]
fn a_disk_that_is_full_keeps_the_former_run() {
    if !mounts() {
        return;
    }
    let desk = Desk::new();
    fs::create_dir(desk.path("disk")).unwrap();
    let mount = "mount -t tmpfs -o size=400k none disk";
    let train = "\"$0\" train --data data --epochs 1 --quiet --out disk/run";
    let script = format!(
        "{mount} && {train} --no-report && cp -r disk/run before && \
         {{ dd if=/dev/zero of=disk/filler bs=1k 2>/dev/null; true; }} && \
         {{ {train} --no-report --seed 1 --overwrite; echo $? >&2; }} && diff -r before disk/run && \
         rm -r disk/filler disk/run && dd if=/dev/zero of=disk/filler bs=1k count=230 2>/dev/null && \
         {{ {train}; echo $? >&2; }} && diff before/model.safetensors disk/run/model.safetensors && \
         ls -A disk/run >after"
    );
    let Done { code, stderr: message, .. } =
        Done::of(&mut desk.command_under(&["unshare", "-m", "sh", "-c", &script], ""));
    assert_eq!(code, Some(0), "{message}");
    let full = |line: &str, file: &str| {
        let error = "cannot write: No space left on device (os error 28)";
        assert_eq!(line, format!("onelayer: disk/run/{file}: {error}"), "{message}");
    };
    let [model, "1", report, "1"] = message.lines().collect::<Vec<_>>()[..] else { panic!("{message}") };
    full(model, "model.safetensors");
    // On a disk that is nearly full the model fits, the report does not.
    let file = report.split("disk/run/").nth(1).and_then(|rest| rest.split(": ").next()).unwrap_or_default();
    full(report, file);
    assert!(file.starts_with("report") || file.ends_with(".svg") || file.ends_with(".png"), "{message}");
    assert!(!desk.read("after").contains(".onelayer-"));
}
