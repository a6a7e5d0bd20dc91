//! `model.safetensors`: a model on disk.
//!
//! Four tensors of little-endian f32: `weight` [K, D], `bias` [K], `mean` [D], `std` [D], the last two in units
//! of `pixel / 255`. The metadata holds the class names, a JSON array under `classes`, the objective, and whatever
//! settings its writer adds. Models that are equal make files that are the same bytes.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::json;

use super::{Model, Parameters, Standardization};
use crate::error::{Error, Result};
use crate::files::regular;
use crate::files::whole::WholeFile;
use crate::objective::{Loss, Objective};

/// The metadata keys of the class names, and of the objective: its loss, and what differs from 0 and 1.
const CLASSES: &str = "classes";
const OBJECTIVE: &str = "objective";
const SMOOTHING: &str = "label_smoothing";
const CLASS_WEIGHTS: &str = "class_weights";
/// No model is larger: a thousand classes of a quarter of a million features.
const LARGEST: u64 = 1 << 30;

impl Model {
    /// Writes the model to `path`. The file appears when it is complete; one of that name is replaced.
    ///
    /// # Errors
    /// What the system refuses.
    ///
    /// # Panics
    /// As [`Model::to_bytes`].
    pub fn save(&self, path: &Path) -> Result<()> {
        WholeFile::new(path, &self.to_bytes(), false)?.finish()
    }

    /// The file that [`Model::save`] writes.
    ///
    /// # Panics
    /// If the lengths of weight, bias, mean, std or classes do not fit together.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Parameters { classes, features, weight, bias } = &self.parameters;
        let (k, d) = (*classes, *features);
        assert_eq!(self.classes.len(), k, "names of classes");
        let mut metadata = self.metadata.clone();
        metadata.insert(CLASSES.into(), json!(self.classes).to_string());
        let Objective { loss, smoothing, class_weights } = &self.objective;
        metadata.insert(OBJECTIVE.into(), loss.name().into());
        if *smoothing != 0.0 {
            metadata.insert(SMOOTHING.into(), smoothing.to_string());
        }
        if !class_weights.is_empty() {
            metadata.insert(CLASS_WEIGHTS.into(), json!(class_weights).to_string());
        }

        let Standardization { mean, std } = &self.standardization;
        let tensors = [("bias", vec![k], bias), ("mean", vec![d], mean), ("std", vec![d], std)];
        let mut header = serde_json::Map::from_iter([("__metadata__".into(), json!(metadata))]);
        let mut data = Vec::with_capacity(size_of::<f32>() * (k + 2 * d + k * d));
        for (name, shape, values) in tensors.into_iter().chain([("weight", vec![k, d], weight)]) {
            assert_eq!(values.len(), shape.iter().product::<usize>(), "{name} {shape:?}");
            let start = data.len();
            data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            let info = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]});
            header.insert(name.into(), info);
        }
        let mut header = serde_json::Value::Object(header).to_string();
        // The format wants the data aligned, and allows spaces at the header's end for it.
        header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
    }

    /// Reads and checks a model.
    ///
    /// # Errors
    /// A file that cannot be read, is not a safetensors file, or does not hold the tensors of a model: names,
    /// shapes and types as above, K from 2 to 65,536, every value finite, every standard deviation positive.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = regular::read(path, "a model file", LARGEST)?;
        Self::from_bytes(path, &bytes)
    }

    /// Reads and checks a model from the bytes of the file `path`.
    ///
    /// # Errors
    /// As [`Model::load`], but for a file that cannot be read.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let not_safetensors = |error| {
            let expected = "a model file in safetensors format";
            Error::format(path, expected, format_args!("{} bytes that are not one: {error}", bytes.len()))
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        let file = ModelFile { path, tensors };

        let weight = file.tensor("weight")?;
        let (k, d) = match *weight.shape() {
            [k @ 2..=65_536, d] if d > 0 => (k, d),
            ref shape => {
                let expected = "weight [K, D] with 2 to 65,536 classes K and at least 1 feature D";
                return Err(Error::format(path, expected, format_args!("{shape:?}")));
            }
        };
        let (weight, bias) = (file.values("weight", &[k, d])?, file.values("bias", &[k])?);
        let (mean, std) = (file.values("mean", &[d])?, file.values("std", &[d])?);
        if let Some(i) = std.iter().position(|&std| std <= 0.0) {
            return Err(Error::format(path, "std above 0", format_args!("{} at {i}", std[i])));
        }
        let mut metadata = BTreeMap::from_iter(header.metadata().clone().unwrap_or_default());
        Ok(Self {
            parameters: Parameters { classes: k, features: d, weight, bias },
            standardization: Standardization { mean, std },
            objective: file.objective(&mut metadata, k)?,
            classes: file.classes(metadata.remove(CLASSES), k)?,
            metadata,
        })
    }
}

/// A safetensors file that should hold a model.
struct ModelFile<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
}

impl ModelFile<'_> {
    fn tensor(&self, name: &str) -> Result<TensorView<'_>> {
        self.tensors.tensor(name).map_err(|_| {
            let mut names = self.tensors.names();
            names.sort_unstable();
            let found = format!("tensors {names:?}");
            Error::format(self.path, format_args!("a tensor {name:?}"), found)
        })
    }

    /// The values of the tensor `name`, which must be of f32, of this shape, and finite.
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let tensor = self.tensor(name)?;
        if tensor.shape() != shape || tensor.dtype() != Dtype::F32 {
            let found = format!("{:?} of {}", tensor.shape(), tensor.dtype());
            return Err(Error::format(self.path, format_args!("{name} {shape:?} of F32"), found));
        }
        let (chunks, _) = tensor.data().as_chunks();
        let values: Vec<f32> = chunks.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(i) => {
                let expected = format!("finite values in {name}");
                Err(Error::format(self.path, expected, format_args!("{} at {i}", values[i])))
            }
        }
    }

    /// The objective, taken out of the metadata: softmax where the file names none.
    fn objective(&self, metadata: &mut BTreeMap<String, String>, k: usize) -> Result<Objective> {
        let mut objective = Objective::default();
        if let Some(name) = metadata.remove(OBJECTIVE) {
            let names = Loss::ALL.map(Loss::name).join(" or ");
            objective.loss = self.value(&name, name.parse().ok(), format_args!("an objective: {names}"))?;
        }
        if let Some(text) = metadata.remove(SMOOTHING) {
            let smoothing = text.parse().ok().filter(|smoothing| (0.0..1.0).contains(smoothing));
            objective.smoothing = self.value(&text, smoothing, "a label smoothing from 0 to below 1")?;
        }
        if let Some(text) = metadata.remove(CLASS_WEIGHTS) {
            let fits = |weights: &Vec<f32>| {
                weights.len() == k && weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
            };
            let weights = serde_json::from_str(&text).ok().filter(fits);
            objective.class_weights = self.value(&text, weights, format_args!("{k} class weights"))?;
        }
        Ok(objective)
    }

    /// What `text` in the metadata was read as.
    fn value<T>(&self, text: &str, value: Option<T>, expected: impl Display) -> Result<T> {
        let refused = || {
            Error::format(self.path, format_args!("{expected}, in the metadata"), format_args!("{text:?}"))
        };
        value.ok_or_else(refused)
    }

    /// The names of the K classes, which are numbers where the file has none.
    fn classes(&self, names: Option<String>, k: usize) -> Result<Vec<String>> {
        let Some(names) = names else {
            return Ok((0..k).map(|class| class.to_string()).collect());
        };
        let expected = format!("{k} class names, a JSON array, in the metadata");
        let classes: Vec<String> =
            serde_json::from_str(&names).map_err(|error| Error::format(self.path, &expected, error))?;
        if classes.len() != k {
            return Err(Error::format(self.path, &expected, classes.len()));
        }
        Ok(classes)
    }
}
