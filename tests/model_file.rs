//! A model file holds the model exactly, in the layout that is documented, and whatever is not one is refused
//! with one line that says which file, what was expected, and what was found.

use std::collections::BTreeMap;
use std::fs;

use onelayer::model::{Model, Parameters, Standardization};
use onelayer::objective::Objective;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tempfile::{NamedTempFile, TempDir};

/// K = 3, D = 5, and values that a detour through text or f64 arithmetic could spoil.
fn model() -> Model {
    let mut parameters = Parameters::random(3, 5, 7);
    parameters.weight[0] = f32::MIN_POSITIVE / 2.0;
    parameters.weight[1] = -0.0;
    parameters.weight[2] = f32::MAX;
    Model {
        parameters,
        standardization: Standardization { mean: vec![0.1; 5], std: vec![0.25, 1.0, 0.3, 1e-9, 2.0] },
        objective: Objective { smoothing: 0.1, class_weights: vec![0.5; 3], ..Objective::default() },
        classes: ["sun", "\"quoted\"", "mønd\n"].map(String::from).to_vec(),
        metadata: BTreeMap::from(
            [("eta", "0.001"), ("dataset", "synthetic"), ("seed", "0")]
                .map(|(key, value)| (key.to_string(), value.to_string())),
        ),
    }
}

/// The error's text for a file of `bytes`: one line that starts with the file's path and has all of `facts`.
#[track_caller]
fn assert_refused(bytes: &[u8], facts: &[&str]) {
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, bytes).unwrap();
    let message = Model::load(file.path()).expect_err("must be refused").to_string();
    assert!(message.starts_with(&format!("{}: expected ", file.path().display())), "{message}");
    assert!(!message.contains('\n'), "{message}");
    for fact in facts {
        assert!(message.contains(fact), "{fact:?} in {message:?}");
    }
}

const NAMES: [&str; 4] = ["weight", "bias", "mean", "std"];

/// A tensor of a file that is put together by hand: type, shape and values.
type Tensor = (Dtype, Vec<usize>, Vec<f32>);

/// A file with K = 3, D = 5, written by the safetensors crate alone: good but for what `change` makes of a tensor.
fn file(change: impl Fn(&str, &mut Tensor), metadata: Option<(&str, &str)>) -> Vec<u8> {
    let shapes = [vec![3, 5], vec![3], vec![5], vec![5]];
    let tensors = NAMES.iter().zip(shapes).zip([0.01, 0.0, 0.5, 0.25]).map(|((name, shape), value)| {
        let mut tensor = (Dtype::F32, shape.clone(), vec![value; shape.iter().product()]);
        change(name, &mut tensor);
        let (dtype, shape, values) = tensor;
        (*name, dtype, shape, values.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
    });
    let tensors: Vec<_> = tensors.collect();
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    let metadata = metadata.map(|(key, value)| [(key.to_string(), value.to_string())].into());
    serialize(views, metadata).unwrap()
}

/// Checks that a file is refused whose tensor `name` is changed.
#[track_caller]
fn assert_change_refused(name: &str, change: impl Fn(&mut Tensor), facts: &[&str]) {
    let change = |each: &str, tensor: &mut Tensor| {
        if each == name {
            change(tensor)
        }
    };
    assert_refused(&file(change, None), facts);
}

#[test]
fn a_saved_model_is_that_model_in_equal_files_and_replaces_another() {
    let (folder, model) = (TempDir::new().unwrap(), model());
    let path = folder.path().join("model");
    fs::write(&path, "something else").unwrap();
    model.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), model.to_bytes());
    let loaded = Model::load(&path).unwrap();
    assert_eq!(loaded, model);
    assert_eq!(loaded.to_bytes(), model.to_bytes(), "bit for bit");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_file_is_a_safetensors_file_of_the_documented_layout() {
    let (model, bytes) = (model(), model().to_bytes());
    let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert!(header.is_multiple_of(8), "data at {header} + 8");
    let settings = metadata.metadata().as_ref().unwrap();
    assert_eq!(settings["classes"], r#"["sun","\"quoted\"","mønd\n"]"#);
    assert_eq!((settings["eta"].as_str(), settings.len()), ("0.001", 7));
    let aims = ["objective", "label_smoothing", "class_weights"].map(|key| settings[key].as_str());
    assert_eq!(aims, ["softmax", "0.1", "[0.5,0.5,0.5]"]);

    let file = SafeTensors::deserialize(&bytes).unwrap();
    let Standardization { mean, std } = &model.standardization;
    let Parameters { weight, bias, .. } = &model.parameters;
    for (name, shape, values) in [
        ("weight", vec![3, 5], weight),
        ("bias", vec![3], bias),
        ("mean", vec![5], mean),
        ("std", vec![5], std),
    ] {
        let tensor = file.tensor(name).unwrap();
        let expected: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(
            (tensor.dtype(), tensor.shape(), tensor.data()),
            (Dtype::F32, &*shape, &*expected),
            "{name}"
        );
    }
    assert_eq!(file.len(), 4);
}

#[test]
fn a_file_by_other_hands_loads_and_its_classes_are_numbers() {
    let other = NamedTempFile::new().unwrap();
    fs::write(&other, file(|_, _| (), Some(("format", "pt")))).unwrap();
    let model = Model::load(other.path()).unwrap();
    assert_eq!((model.parameters.classes, model.parameters.features), (3, 5));
    assert_eq!(model.classes, ["0", "1", "2"]);
    assert_eq!(model.metadata["format"], "pt");
}

#[test]
fn a_place_that_cannot_be_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("missing/model.safetensors");
    let message = model().save(&path).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: cannot write", path.display())), "{message}");
    fs::create_dir(folder.path().join("model")).unwrap();
    assert!(model().save(&folder.path().join("model")).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is removed");
}

#[test]
fn what_is_no_file_of_the_format() {
    for junk in [&b""[..], b"junk", &[0xff; 64], b"\x02\0\0\0\0\0\0\0{}trailing", &[0; 4096]] {
        assert_refused(junk, &["expected a model file in safetensors format", "bytes that are not"]);
    }
    let whole = model().to_bytes();
    for length in 0..whole.len() {
        assert_refused(&whole[..length], &["safetensors", &format!("found {length} bytes")]);
    }
    assert_refused(&[&whole[..], &[0]].concat(), &["safetensors"]);
    // A header that promises more than there is; and, found by fuzzing, one with a name that would break the line.
    for (header, fact) in [
        (r#"{"weight":{"dtype":"F32","shape":[2,9999999999999],"data_offsets":[0,79999999999992]}}"#, ""),
        (r#"{"me\n\u001b[2J":{"dtype":"F32","shape":[1],"data_offsets":[9,12]}}"#, r"me\n\u{1b}[2J"),
    ] {
        let length = (header.len() as u64).to_le_bytes();
        assert_refused(&[&length, header.as_bytes(), &[0; 64]].concat(), &["safetensors", fact]);
    }
}

#[test]
fn tensors_that_are_missing_or_of_another_type_or_shape() {
    for name in NAMES {
        let good = file(|_, _| (), None);
        let others =
            SafeTensors::deserialize(&good).unwrap().tensors().into_iter().filter(|(other, _)| other != name);
        let facts = [&format!("expected a tensor {name:?}"), "found tensors ["];
        assert_refused(&serialize(others, None).unwrap(), &facts);
        let facts = [&format!("expected {name} ["), "of F32", "of I32"];
        assert_change_refused(name, |(dtype, ..)| *dtype = Dtype::I32, &facts);
        let longer = |(_, shape, values): &mut Tensor| {
            shape[0] += 1;
            values.resize(shape.iter().product(), 1.0);
        };
        if name != "weight" {
            assert_change_refused(name, longer, &[&format!("expected {name} [")]);
        }
    }
    for (shape, fact) in [
        (vec![15], "expected weight [K, D]"),
        (vec![3, 0], "at least 1 feature"),
        (vec![0, 5], "with 2 to 65,536 classes"),
        (vec![1, 5], "with 2 to 65,536 classes"),
        (vec![65_537, 5], "with 2 to 65,536 classes"),
    ] {
        let found = format!("found {shape:?}");
        let change = |tensor: &mut Tensor| {
            (tensor.1, tensor.2) = (shape.clone(), vec![0.0; shape.iter().product()]);
        };
        assert_change_refused("weight", change, &[fact, &found]);
    }
}

#[test]
fn values_that_no_model_has() {
    for name in NAMES {
        for value in [f32::NAN, f32::INFINITY] {
            let facts = [format!("expected finite values in {name}"), format!("found {value} at 1")];
            assert_change_refused(name, |(.., values)| values[1] = value, &[&facts[0], &facts[1]]);
        }
    }
    for value in [0.0, -1.0] {
        let facts = ["expected std above 0", &format!("found {value} at 4")];
        assert_change_refused("std", |(.., values)| values[4] = value, &facts);
    }
    for (names, found) in [(r#"["a", "b"]"#, "found 2"), ("a, b, c", "found "), ("[1, 2, 3]", "found ")] {
        let facts = ["expected 3 class names, a JSON array", found];
        assert_refused(&file(|_, _| (), Some(("classes", names))), &facts);
    }
}
