//! A model file holds the model exactly, in the layout that is documented, and whatever is not one is refused
//! with one line that says which file, what was expected, and what was found.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use onelayer::model::{Model, Parameters, Standardization};
use onelayer::objective::Objective;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tempfile::TempDir;

/// K = 3, D = 5, and values that a detour through text or f64 arithmetic could spoil.
fn model() -> Model {
    let mut parameters = Parameters::random(3, 5, 7);
    parameters.weight[0] = f32::MIN_POSITIVE / 2.0;
    parameters.weight[1] = -0.0;
    parameters.weight[2] = f32::MAX;
    Model {
        parameters,
        standardization: Standardization { mean: vec![0.1; 5], std: vec![0.25, 1.0, 0.3, 1e-9, 2.0] },
        objective: Objective::Softmax,
        classes: ["sun", "\"quoted\"", "mønd\n"].map(String::from).to_vec(),
        metadata: BTreeMap::from(
            [("eta", "0.001"), ("dataset", "synthetic"), ("seed", "0")]
                .map(|(key, value)| (key.to_string(), value.to_string())),
        ),
    }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("model.safetensors")
    }

    /// The error's text for a file of `bytes`: one line that starts with the file's path and has all of `facts`.
    #[track_caller]
    fn assert_refused(&self, bytes: &[u8], facts: &[&str]) {
        fs::write(self.path(), bytes).unwrap();
        let message = Model::load(&self.path()).expect_err("must be refused").to_string();
        assert!(message.starts_with(&format!("{}: expected ", self.path().display())), "{message}");
        assert!(!message.contains('\n'), "{message}");
        for fact in facts {
            assert!(message.contains(fact), "{fact:?} in {message:?}");
        }
    }
}

/// A tensor of a file that is put together by hand.
#[derive(Clone)]
struct Tensor {
    name: &'static str,
    dtype: Dtype,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// The tensors of a good file with K = 3, D = 5.
fn tensors() -> Vec<Tensor> {
    let tensor = |name, shape: &[usize], value| {
        let values = vec![value; shape.iter().product()];
        Tensor { name, dtype: Dtype::F32, shape: shape.to_vec(), values }
    };
    vec![
        tensor("weight", &[3, 5], 0.01),
        tensor("bias", &[3], 0.0),
        tensor("mean", &[5], 0.5),
        tensor("std", &[5], 0.25),
    ]
}

/// A file of `tensors`, written by the safetensors crate alone.
fn safetensors_file(tensors: &[Tensor], metadata: Option<(&str, &str)>) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        (tensor.name, TensorView::new(tensor.dtype, tensor.shape.clone(), bytes).unwrap())
    });
    let metadata = metadata.map(|(key, value)| [(key.to_string(), value.to_string())].into());
    serialize(views, metadata).unwrap()
}

/// The good file with one tensor replaced by what `change` makes of it.
fn changed(name: &str, change: impl Fn(&mut Tensor)) -> Vec<u8> {
    let mut tensors = tensors();
    change(tensors.iter_mut().find(|tensor| tensor.name == name).unwrap());
    safetensors_file(&tensors, None)
}

#[test]
fn a_round_trip_is_exact() {
    let (folder, model) = (Folder::new(), model());
    model.save(&folder.path()).unwrap();
    let loaded = Model::load(&folder.path()).unwrap();
    assert_eq!(loaded, model);
    let bits = |model: &Model| model.parameters.weight.iter().map(|w| w.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&loaded), bits(&model));
}

#[test]
fn equal_models_make_equal_files() {
    let folder = Folder::new();
    model().save(&folder.path()).unwrap();
    assert_eq!(fs::read(folder.path()).unwrap(), model().to_bytes());
    assert_eq!(Model::load(&folder.path()).unwrap().to_bytes(), model().to_bytes());
}

#[test]
fn the_file_is_a_safetensors_file_of_the_documented_layout() {
    let (model, bytes) = (model(), model().to_bytes());
    let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert!(header.is_multiple_of(8), "data at {header} + 8");
    let settings = metadata.metadata().as_ref().unwrap();
    assert_eq!(settings["classes"], r#"["sun","\"quoted\"","mønd\n"]"#);
    assert_eq!((settings["eta"].as_str(), settings.len()), ("0.001", 4));

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
    let folder = Folder::new();
    fs::write(folder.path(), safetensors_file(&tensors(), Some(("format", "pt")))).unwrap();
    let model = Model::load(&folder.path()).unwrap();
    assert_eq!((model.parameters.classes, model.parameters.features), (3, 5));
    assert_eq!(model.classes, ["0", "1", "2"]);
    assert_eq!(model.metadata["format"], "pt");
}

#[test]
fn a_saved_file_replaces_another_and_leaves_nothing_else() {
    let folder = Folder::new();
    fs::write(folder.path(), "something else").unwrap();
    model().save(&folder.path()).unwrap();
    assert_eq!(Model::load(&folder.path()).unwrap(), model());
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1);
}

#[test]
fn a_place_that_cannot_be_written() {
    let folder = Folder::new();
    let path = folder.0.path().join("missing/model.safetensors");
    let message = model().save(&path).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: cannot write", path.display())), "{message}");
    fs::create_dir(folder.path()).unwrap();
    assert!(model().save(&folder.path()).is_err());
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1, "the temporary file is removed");
}

#[test]
fn a_missing_file_and_a_folder_in_its_place() {
    let folder = Folder::new();
    let message = Model::load(&folder.path()).unwrap_err().to_string();
    assert!(message.starts_with(&folder.path().display().to_string()), "{message}");
    fs::create_dir(folder.path()).unwrap();
    let message = Model::load(&folder.path()).unwrap_err().to_string();
    assert!(message.contains("expected a model file, found a folder"), "{message}");
}

#[test]
fn junk() {
    let folder = Folder::new();
    let huge_header = [0xff; 64];
    for junk in [&b""[..], b"junk", &huge_header, b"\x02\0\0\0\0\0\0\0{}trailing", &[0; 4096]] {
        folder.assert_refused(junk, &["expected a model file in safetensors format", "bytes that are not"]);
    }
}

#[test]
fn every_truncation() {
    let (folder, bytes) = (Folder::new(), model().to_bytes());
    for length in 0..bytes.len() {
        folder.assert_refused(&bytes[..length], &["safetensors", &format!("found {length} bytes")]);
    }
}

#[test]
fn bytes_too_many() {
    let bytes = [model().to_bytes(), vec![0]].concat();
    Folder::new().assert_refused(&bytes, &["safetensors"]);
}

#[test]
fn a_header_that_promises_more_than_the_file_holds() {
    let header = br#"{"weight":{"dtype":"F32","shape":[2,9999999999999],"data_offsets":[0,79999999999992]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 64]].concat();
    Folder::new().assert_refused(&bytes, &["safetensors"]);
}

#[test]
fn a_missing_tensor() {
    for missing in ["weight", "bias", "mean", "std"] {
        let tensors: Vec<Tensor> = tensors().into_iter().filter(|tensor| tensor.name != missing).collect();
        let expected = format!("expected a tensor {missing:?}");
        Folder::new().assert_refused(&safetensors_file(&tensors, None), &[&expected, "found tensors ["]);
    }
}

/// Found by fuzzing: the format's own message quotes the name as it is.
#[test]
fn a_name_that_would_break_the_line() {
    let header = br#"{"me\n\u001b[2J":{"dtype":"F32","shape":[1],"data_offsets":[9,12]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 12]].concat();
    Folder::new().assert_refused(&bytes, &["safetensors", r"me\n\u{1b}[2J"]);
}

#[test]
fn another_type() {
    for name in ["weight", "bias", "mean", "std"] {
        let bytes = changed(name, |tensor| tensor.dtype = Dtype::I32);
        Folder::new().assert_refused(&bytes, &[&format!("expected {name} ["), "of F32", "of I32"]);
    }
}

#[test]
fn another_shape() {
    for name in ["bias", "mean", "std"] {
        let bytes = changed(name, |tensor| {
            tensor.shape[0] += 1;
            tensor.values.push(1.0);
        });
        Folder::new().assert_refused(&bytes, &[&format!("expected {name} [")]);
    }
    let flat = changed("weight", |tensor| tensor.shape = vec![15]);
    Folder::new().assert_refused(&flat, &["expected weight [K, D]", "found [15]"]);
    let no_features = changed("weight", |tensor| (tensor.shape, tensor.values) = (vec![3, 0], vec![]));
    Folder::new().assert_refused(&no_features, &["at least 1 feature", "found [3, 0]"]);
}

#[test]
fn too_few_or_too_many_classes() {
    for classes in [0, 1, 257] {
        let bytes = changed("weight", |tensor| {
            (tensor.shape, tensor.values) = (vec![classes, 5], vec![0.0; classes * 5]);
        });
        let found = format!("found [{classes}, 5]");
        Folder::new().assert_refused(&bytes, &["with 2 to 256 classes", &found]);
    }
}

#[test]
fn values_that_are_not_finite() {
    for name in ["weight", "bias", "mean", "std"] {
        for value in [f32::NAN, f32::INFINITY] {
            let bytes = changed(name, |tensor| tensor.values[1] = value);
            let facts = [format!("expected finite values in {name}"), format!("found {value} at 1")];
            Folder::new().assert_refused(&bytes, &[&facts[0], &facts[1]]);
        }
    }
}

#[test]
fn a_standard_deviation_that_is_not_positive() {
    for value in [0.0, -1.0] {
        let bytes = changed("std", |tensor| tensor.values[4] = value);
        Folder::new().assert_refused(&bytes, &["expected std above 0", &format!("found {value} at 4")]);
    }
}

#[test]
fn class_names_that_do_not_fit() {
    for (names, found) in [(r#"["a", "b"]"#, "found 2"), ("a, b, c", "found "), ("[1, 2, 3]", "found ")] {
        let bytes = safetensors_file(&tensors(), Some(("classes", names)));
        Folder::new().assert_refused(&bytes, &["expected 3 class names, a JSON array", found]);
    }
}
