//! A model as an ONNX graph, for any program that runs such.
//!
//! ```text
//! features [batch, D] f32 - Sub mean - Div std - Gemm weight^T, bias - logits - Softmax - probabilities [batch, K] f32
//!                                                                    logits - ArgMax -- class [batch] i64
//! ```
//!
//! The batch axis has any length. A model of bytes wants them as they are, 0 to 255; any other one wants the features that
//! it was trained on. Where the loss has sigmoids, the probabilities are those over their sum. A model of hinge has none:
//! its logits are the output `scores`. The names of the classes are in the metadata, as a JSON array.

mod messages;

use serde_json::json;

use super::Model;
use crate::objective::Loss;
use crate::samples::Element;
use messages::{
    Attribute, Dimension, Entry, Graph, ModelProto, Node, OperatorSet, Shape, TensorProto, TensorType,
    TypeProto, ValueInfo,
};

/// The version of the format, and that of the operators: those of 2020, which every runtime of today knows.
const IR_VERSION: i64 = 7;
const OPERATORS: i64 = 13;

/// The name of the axis of samples.
const BATCH: &str = "batch";

impl Model {
    /// The file of the model as an ONNX graph: one input, `features` `[batch, D]`; and two outputs, `class` `[batch]`, the
    /// number of the likeliest one, and `probabilities` `[batch, K]`, or the `scores` `[batch, K]` of hinge.
    pub fn to_onnx(&self) -> Vec<u8> {
        prost::Message::encode_to_vec(&self.onnx())
    }

    fn onnx(&self) -> ModelProto {
        let (k, d) = (self.parameters.classes as i64, self.parameters.features as i64);
        // Mean and deviation of bytes are those of pixels over 255.
        let unit = if self.is_of_bytes() { 255.0 } else { 1.0 };
        let scaled = |values: &[f32]| values.iter().map(|value| unit * value).collect::<Vec<f32>>();
        let (out, last) = match self.objective.loss {
            Loss::Softmax => {
                ("probabilities", vec![node("Softmax", "logits", "probabilities", &[("axis", -1)])])
            }
            // Of sigmoids, as everywhere here, those that sum to 1.
            Loss::Sigmoid => {
                let sigmoids = node("Sigmoid", "logits", "sigmoids", &[]);
                let of_one = node("LpNormalization", "sigmoids", "probabilities", &[("axis", -1), ("p", 1)]);
                ("probabilities", vec![sigmoids, of_one])
            }
            Loss::Hinge => ("scores", vec![node("Identity", "logits", "scores", &[])]),
        };
        let first = vec![
            node("Sub", "features mean", "centred", &[]),
            node("Div", "centred std", "standardized", &[]),
            node("Gemm", "standardized weight bias", "logits", &[("transB", 1)]),
            node("ArgMax", "logits", "class", &[("axis", -1), ("keepdims", 0)]),
        ];
        let graph = Graph {
            node: [first, last].concat(),
            name: "onelayer".into(),
            initializer: vec![
                tensor("mean", &[d], &scaled(&self.standardization.mean)),
                tensor("std", &[d], &scaled(&self.standardization.std)),
                tensor("weight", &[k, d], &self.parameters.weight),
                tensor("bias", &[k], &self.parameters.bias),
            ],
            input: vec![value("features", messages::FLOAT, &[d])],
            output: vec![value("class", messages::INT64, &[]), value(out, messages::FLOAT, &[k])],
        };
        let entry = |(key, value): (&str, String)| Entry { key: key.into(), value };
        let features = if self.is_of_bytes() { "bytes, 0 to 255" } else { "as trained on" };
        let facts = [
            ("classes", json!(self.classes).to_string()),
            ("objective", self.objective.loss.name().into()),
            ("features", features.into()),
        ];
        ModelProto {
            ir_version: IR_VERSION,
            producer_name: "onelayer".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(graph),
            opset_import: vec![OperatorSet { domain: String::new(), version: OPERATORS }],
            metadata_props: facts.into_iter().map(entry).collect(),
        }
    }

    /// Whether it was trained on bytes, as its metadata says.
    fn is_of_bytes(&self) -> bool {
        self.element() == Some(Element::U8)
    }
}

fn node(operator: &str, input: &str, output: &str, attributes: &[(&str, i64)]) -> Node {
    let attribute = |&(name, i): &(&str, i64)| Attribute { name: name.into(), i, r#type: messages::INT };
    Node {
        input: input.split(' ').map(String::from).collect(),
        output: vec![output.into()],
        name: operator.into(),
        op_type: operator.into(),
        attribute: attributes.iter().map(attribute).collect(),
    }
}

fn tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    TensorProto { dims: dims.to_vec(), data_type: messages::FLOAT, name: name.into(), raw_data }
}

/// An input or output [batch, `rest`].
fn value(name: &str, elem_type: i32, rest: &[i64]) -> ValueInfo {
    let batch = Dimension { dim_value: None, dim_param: Some(BATCH.into()) };
    let rest = rest.iter().map(|&length| Dimension { dim_value: Some(length), dim_param: None });
    let shape = Shape { dim: [batch].into_iter().chain(rest).collect() };
    let tensor_type = TensorType { elem_type, shape: Some(shape) };
    ValueInfo { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::model::{Parameters, Standardization};
    use crate::objective::Objective;

    fn model(loss: Loss, element: &str) -> Model {
        Model {
            parameters: Parameters {
                classes: 2,
                features: 3,
                weight: vec![1.0, -2.0, 3.0, 0.5, 0.25, -1.0],
                bias: vec![0.5, -0.5],
            },
            standardization: Standardization { mean: vec![0.25, 0.5, 0.0], std: vec![0.5, 1.0, 2.0] },
            objective: Objective { loss, ..Objective::default() },
            classes: vec!["cat".into(), "a \"dog\"".into()],
            metadata: [("element".into(), element.into())].into(),
        }
    }

    /// What the graph makes of `features`: its outputs by name, computed node by node.
    fn run(graph: &Graph, features: &[f32]) -> Vec<(String, Vec<f32>)> {
        let floats = |tensor: &TensorProto| -> Vec<f32> {
            tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
        };
        let mut values: Vec<(String, Vec<f32>)> =
            graph.initializer.iter().map(|tensor| (tensor.name.clone(), floats(tensor))).collect();
        values.push((graph.input[0].name.clone(), features.to_vec()));
        for node in &graph.node {
            let find = |name: &String| values.iter().find(|(other, _)| other == name).unwrap().1.clone();
            let inputs: Vec<Vec<f32>> = node.input.iter().map(find).collect();
            let pairs = || inputs[0].iter().zip(&inputs[1]);
            let made = match node.op_type.as_str() {
                "Sub" => pairs().map(|(a, b)| a - b).collect(),
                "Div" => pairs().map(|(a, b)| a / b).collect(),
                "Gemm" => {
                    let dot = |row: &[f32]| row.iter().zip(&inputs[0]).map(|(w, x)| w * x).sum::<f32>();
                    inputs[1].chunks(inputs[0].len()).zip(&inputs[2]).map(|(row, b)| dot(row) + b).collect()
                }
                "Softmax" => {
                    let sum: f32 = inputs[0].iter().map(|logit| logit.exp()).sum();
                    inputs[0].iter().map(|logit| logit.exp() / sum).collect()
                }
                "Sigmoid" => inputs[0].iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
                "LpNormalization" => {
                    inputs[0].iter().map(|value| value / inputs[0].iter().sum::<f32>()).collect()
                }
                "Identity" => inputs[0].clone(),
                "ArgMax" => vec![f32::from(inputs[0][1] > inputs[0][0])],
                other => panic!("{other}"),
            };
            values.push((node.output[0].clone(), made));
        }
        let find = |name: &String| values.iter().find(|(other, _)| other == name).unwrap().clone();
        graph.output.iter().map(|output| find(&output.name)).collect()
    }

    #[test]
    fn the_graph_is_read_back_and_has_the_probabilities_of_the_model() {
        // x^ = [0.5, 0.5, -1], logits [-3, 0.875].
        let exact: [f32; 2] = [-3.0, 0.875];
        let of_one = |values: [f32; 2]| values.map(|value| value / values.iter().sum::<f32>());
        for (loss, name, expected) in [
            (Loss::Softmax, "probabilities", of_one(exact.map(f32::exp))),
            (Loss::Sigmoid, "probabilities", of_one(exact.map(|logit| 1.0 / (1.0 + (-logit).exp())))),
            (Loss::Hinge, "scores", exact),
        ] {
            for (element, features) in [("float32", [0.5, 1.0, -2.0]), ("uint8", [127.5, 255.0, -510.0])] {
                let read = ModelProto::decode(&model(loss, element).to_onnx()[..]).unwrap();
                let graph = read.graph.unwrap();
                let outputs = run(&graph, &features);
                assert_eq!(outputs[0], ("class".into(), vec![1.0]));
                assert_eq!(outputs[1].0, name);
                for (found, expected) in outputs[1].1.iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-6, "{loss:?} of {element}: {found}, {expected}");
                }
                assert_eq!(read.metadata_props[0].value, r#"["cat","a \"dog\""]"#);
                let shape = graph.input[0].r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
                assert_eq!(shape.shape.as_ref().unwrap().dim[0].dim_param.as_deref(), Some(BATCH));
            }
        }
    }
}
