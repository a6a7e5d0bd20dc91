//! On a terminal every line fits, words are whole, and wide letters align.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Stdio;
use std::ptr;

use onelayer::model::Model;
use unicode_width::UnicodeWidthStr;

use super::Desk;
use super::support::data_sets::write_pair;

/// What the command writes on a terminal of so many columns that is its stdout.
fn on_terminal(desk: &Desk, arguments: &str, columns: u16) -> String {
    let (mut master, mut slave) = (0, 0);
    let size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: both ends are written to where they stand, and `size` is read; nothing else is asked for.
    let opened = unsafe { libc::openpty(&mut master, &mut slave, ptr::null_mut(), ptr::null(), &size) };
    assert_eq!(opened, 0, "a terminal");
    // SAFETY: nobody else has them.
    let [master, slave] = [master, slave].map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    let mut child = desk.command(arguments).stdout(slave).stderr(Stdio::null()).spawn().unwrap();
    let (mut terminal, mut text) = (File::from(master), Vec::new());
    // It ends in an error, when nobody writes to it any more.
    let _ = terminal.read_to_end(&mut text);
    assert!(child.wait().unwrap().success(), "{arguments}");
    String::from_utf8(text).unwrap().replace('\r', "")
}

/// Two classes with wide names, in a folder with a long one.
fn desk() -> Desk {
    let desk = Desk::new();
    let folder = desk.path("a-folder-of/rather-long-names/of-which/no-end-is/to-be-seen");
    std::fs::create_dir_all(&folder).unwrap();
    let pixels: Vec<u8> = (0..200 * 12).map(|at| (at * at % 251) as u8).collect();
    for split in ["train", "validation", "test"] {
        write_pair(&folder, split, &[200, 12], &pixels, &[0, 1, 2, 3].repeat(50));
    }
    std::fs::write(folder.join("classes.txt"), "고양이\n🐱🐶\ncat\n一隻很大的狗\n").unwrap();
    std::fs::rename(desk.path("data"), desk.path("cifar")).unwrap();
    desk
}

#[test]
fn every_line_fits_the_terminal() {
    let desk = desk();
    let data = "--data a-folder-of/rather-long-names/of-which/no-end-is/to-be-seen";
    desk.run("train --data cifar --epochs 1 --no-report --quiet --out first");
    for columns in [80, 120] {
        for arguments in [
            &format!("train {data} --epochs 3 --overwrite --out run"),
            &format!("train {data} --epochs 3 --eta 1e-30 --batch 200 --overwrite --no-report --out tiny"),
            "reproduce --data cifar --epochs 2 --no-report --overwrite --out four",
            &format!("evaluate run {data}"),
            "evaluate first --data cifar --split validation",
            "info run",
            "info four",
            "info run/model.safetensors",
            "info first/model.safetensors",
            "info cifar",
            "info a-folder-of/rather-long-names/of-which/no-end-is/to-be-seen",
            "gradcheck --data cifar --images 2 --engine gemm --lambda 0",
            "bench --quick --data cifar --engine gemm --overwrite --out timed",
            "predict first cifar/test_batch.bin:0-3",
            &format!("sweep {data} --eta 0.1,0.01 --epochs 1 --overwrite --out swept"),
        ] {
            let text = on_terminal(&desk, arguments, columns);
            assert!(!text.is_empty(), "{arguments}");
            for line in text.lines() {
                assert!(
                    line.width() <= columns.into(),
                    "{arguments}, {} columns: {line:?} in\n{text}",
                    line.width()
                );
            }
        }
    }
    // In a pipe nothing is broken.
    let (text, _) = desk.run("info first/model.safetensors");
    assert!(
        text.lines().any(|line| line.starts_with("weights   from ") && line.contains("sha256")),
        "{text}"
    );
}

#[test]
fn wide_letters_align() {
    let desk = desk();
    let data = "--data a-folder-of/rather-long-names/of-which/no-end-is/to-be-seen";
    desk.run(&format!("train {data} --epochs 1 --no-report --quiet --out run"));
    let (text, _) = desk.run(&format!("evaluate run {data}"));
    // The last column of each row of both tables ends where its head does.
    for table in text.split("\n\n").skip(1) {
        let rows: Vec<&str> = table.lines().filter(|line| !line.starts_with("confusion")).collect();
        let widths: Vec<usize> = rows.iter().map(|row| row.width()).collect();
        assert!(rows.len() == 6 && widths.iter().all(|&width| width == widths[0]), "{table}");
    }
    let (text, _) = desk.run(&format!("predict run {}/test_images.npy:0 --top 4", &data["--data ".len()..]));
    let percents: Vec<usize> =
        text.lines().skip(1).map(|line| line[..line.find(" %").unwrap()].width()).collect();
    assert_eq!(percents, [percents[0]; 4], "{text}");
}

#[test]
fn huge_numbers_are_short_and_those_of_a_model_exact() {
    let desk = desk();
    let data = "--data a-folder-of/rather-long-names/of-which/no-end-is/to-be-seen";
    let (text, _) = desk.run(&format!("train {data} --eta 1e-29 --epochs 1 --out run"));
    let (info, page) = (desk.run("info run").0, desk.read("run/report.md"));
    for text in [text, info, page] {
        assert!(text.contains("1e-29") && !text.contains("00000"), "{text}");
    }
    let mut model = Model::load(&desk.path("run/model.safetensors")).unwrap();
    model.parameters.weight.iter_mut().for_each(|weight| *weight *= 1e30);
    model.save(&desk.path("huge.safetensors")).unwrap();
    let (text, _) = desk.run(&format!("evaluate huge.safetensors {data}"));
    let loss = text.split("loss ").nth(1).unwrap().split(',').next().unwrap();
    assert!(loss.len() < 8 && loss.contains("e2"), "{text}");
    let diverging = desk.done(&format!("train {data} --eta 1e25 --epochs 2 --no-report --out diverging"));
    let epoch = diverging.stdout.lines().find(|line| line.starts_with("epoch 1")).unwrap();
    assert!(epoch.contains('e') && epoch.len() < 40, "{epoch}");
    let json = desk.json("info run/model.safetensors");
    let (text, _) = desk.run("info run/model.safetensors");
    for number in [&json["weight"]["squared_norm"], &json["pixels"]["mean"], &json["pixels"]["std"]] {
        assert!(text.contains(&number.to_string()), "{number} in {text}");
    }
    let largest = json["weight"]["max"].as_f64().unwrap() as f32;
    assert!(text.contains(&format!("to {largest:?},")), "{text}");
}
