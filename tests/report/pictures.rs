//! Curves go through the history's points; templates are the weights, scaled and enlarged.

use std::io::Cursor;

use onelayer::data::layout::{CLASSES, FEATURES};
use onelayer::engine::Counts;
use onelayer::model::Parameters;
use onelayer::objective::Objective;
use onelayer::report::curves::{accuracy_curve, loss_curve};
use onelayer::report::templates::roughness;
use onelayer::report::{Confusion, Ink, Templates, TrueClassProbabilities};
use onelayer::train::{EpochRecord, RunRecord};

use crate::markup::{between, check_balanced};
use crate::runs::Runs;

/// The points of each curve: data lines are the paths that have a line join.
fn curves(svg: &str) -> Vec<Vec<(f64, f64)>> {
    let point = |text: &str| {
        let (x, y) = text.split_once(' ').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    let paths = svg.lines().filter(|line| line.contains("stroke-linejoin") && line.matches('L').count() > 1);
    paths.map(|path| between(path, "d=\"M", "\"")[0].split('L').map(point).collect()).collect()
}

/// Where the labels of an axis stand, and what they say: right-aligned labels are the vertical axis's.
fn vertical_axis(svg: &str) -> Vec<(f64, f64)> {
    let label = |text: &str| {
        let value = between(text, ">", "<")[0].parse().unwrap();
        let y: f64 = between(text, "y=\"", "\"")[0].parse().unwrap();
        // A label's baseline is 0.35 of its size below its tick.
        (y - 0.35 * 16.0, value)
    };
    svg.lines().filter(|line| line.contains("text-anchor=\"end\"")).map(label).collect()
}

fn check_curve(run: &RunRecord, svg: &str, values: &[fn(&EpochRecord) -> f64]) {
    check_balanced(svg);
    let curves = curves(svg);
    assert_eq!(curves.len(), values.len());
    let axis = vertical_axis(svg);
    let ((y0, v0), (y1, v1)) = (axis[0], axis[axis.len() - 1]);
    let per_unit = (y1 - y0) / (v1 - v0);
    for (curve, value) in curves.iter().zip(values) {
        assert_eq!(curve.len(), run.history.len());
        for (&(x, y), record) in curve.iter().zip(&run.history) {
            let expected = y0 + (value(record) - v0) * per_unit;
            // Coordinates and labels are rounded to 0.1 each.
            assert!((y - expected).abs() < 0.2, "epoch {}: {y}, not {expected}", record.epoch);
            let (first, last) = (curve[0].0, curve[curve.len() - 1].0);
            let expected =
                first + (last - first) * (record.epoch - 1) as f64 / (run.config.epochs - 1) as f64;
            assert!((x - expected).abs() < 0.2);
        }
    }
}

#[test]
fn curves_go_through_every_point_of_the_history() {
    let runs = Runs::lab();
    for run in &runs.records {
        let mut loss: Vec<fn(&EpochRecord) -> f64> = vec![|r| r.train.loss, |r| r.validation.loss];
        if run.config.lambda > 0.0 {
            loss.extend([(|r| r.train.cost) as fn(&EpochRecord) -> f64, |r| r.validation.cost]);
        }
        check_curve(run, &loss_curve(run), &loss);
        let accuracy: [fn(&EpochRecord) -> f64; 2] =
            [|r| 100.0 * r.train.accuracy, |r| 100.0 * r.validation.accuracy];
        check_curve(run, &accuracy_curve(run), &accuracy);
    }
}

#[test]
fn a_curve_breaks_where_it_is_not_finite() {
    let mut run = Runs::lab().records.swap_remove(0);
    run.history[20].train.loss = f64::NAN;
    let svg = loss_curve(&run);
    check_balanced(&svg);
    let lengths: Vec<usize> = curves(&svg).iter().map(Vec::len).collect();
    assert_eq!(lengths, [20, 19, 40]);

    run.history.iter_mut().for_each(|record| record.train.loss = f64::INFINITY);
    run.history.iter_mut().for_each(|record| record.validation.loss = f64::NAN);
    let svg = loss_curve(&run);
    check_balanced(&svg);
    assert!(svg.contains("no finite value") && !svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn one_epoch_is_two_points() {
    let mut run = Runs::lab().records.swap_remove(0);
    run.history.truncate(1);
    let svg = loss_curve(&run);
    check_balanced(&svg);
    assert_eq!(svg.matches("<circle").count(), 2);
    assert!(!svg.contains("NaN"));
}

#[test]
fn templates_are_the_weights_scaled_class_by_class_and_enlarged() {
    let parameters = Parameters::random(CLASSES.len(), FEATURES, 5);
    let templates = Templates::new(&parameters).unwrap();
    let decoder = png::Decoder::new(Cursor::new(templates.png()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    // Two rows of five squares of 160, 10 apart and around.
    assert_eq!((info.width, info.height, info.color_type), (860, 350, png::ColorType::Rgb));
    let pixel = |x: usize, y: usize, channel: usize| f64::from(pixels[3 * (860 * y + x) + channel]);
    for (class, weights) in parameters.weight.chunks_exact(FEATURES).enumerate() {
        let low = f64::from(weights.iter().copied().fold(f32::INFINITY, f32::min));
        let high = f64::from(weights.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let (left, top) = (10 + class % 5 * 170, 10 + class / 5 * 170);
        for (index, &weight) in weights.iter().enumerate() {
            let (channel, y, x) = (index / 1024, index % 1024 / 32, index % 32);
            let expected = 255.0 * (f64::from(weight) - low) / (high - low);
            for (dx, dy) in [(0, 0), (4, 0), (0, 4), (4, 4), (2, 3)] {
                let drawn = pixel(left + 5 * x + dx, top + 5 * y + dy, channel);
                assert!((drawn - expected).abs() <= 0.5 + 1e-9, "class {class}, weight {index}");
            }
        }
        assert_eq!(pixel(left - 1, top, 0), 255.0, "white around it");
    }
}

#[test]
fn every_class_stands_above_its_name() {
    let names = CLASSES.map(String::from);
    let svg = Templates::new(&Parameters::random(10, FEATURES, 5)).unwrap().svg(&names);
    check_balanced(&svg);
    assert_eq!(svg.matches("href=\"data:image/png;base64,").count(), 10);
    let texts = between(&svg, "<text", "</text>");
    let drawn: Vec<&str> = texts.iter().map(|text| text.split_once('>').unwrap().1).collect();
    assert_eq!(drawn, CLASSES);
}

#[test]
fn what_is_not_an_image_has_no_template() {
    let mut parameters = Parameters::random(3, FEATURES, 0);
    parameters.weight[7] = f32::NAN;
    for parameters in [Parameters::random(3, 100, 0), parameters] {
        assert!(Templates::new(&parameters).is_none() && roughness(&parameters).is_none());
    }
    let equal = Parameters { weight: vec![0.5; 2 * FEATURES], ..Parameters::zeros(2, FEATURES) };
    let grey = Templates::new(&equal).unwrap();
    assert!(grey.image(1).iter().all(|pixel| *pixel == [128; 3]));
}

#[test]
fn roughness_tells_noise_from_slopes() {
    let noise = roughness(&Parameters::random(10, FEATURES, 1)).unwrap();
    // The mean difference of two normal deviates is 2 / sqrt(pi) of their standard deviation.
    assert!((noise - 1.128).abs() < 0.01, "{noise}");
    let slope = (0..FEATURES).map(|index| (index % 32 + index % 1024 / 32) as f32).collect();
    let slope = Parameters { weight: slope, ..Parameters::zeros(1, FEATURES) };
    assert!(roughness(&slope).unwrap() < 0.1);
}

#[test]
fn the_heat_map_holds_every_count() {
    let runs = Runs::lab();
    let classes = &runs.records[0].dataset.classes;
    let svg = Confusion::new(classes, &runs.counts[0]).heat_map().unwrap();
    check_balanced(&svg);
    let mut counts = svg.lines().filter(|line| line.contains("font-size=\"14\""));
    for count in runs.counts[0].matrix().unwrap() {
        assert!(counts.next().unwrap().contains(&format!(">{count}</text>")));
    }
    let many: Vec<String> = (0..100).map(|class| format!("class {class}")).collect();
    let counts = Counts::of_matrix(vec![1; 10_000]);
    let svg = Confusion::new(&many, &counts).heat_map().unwrap();
    check_balanced(&svg);
    assert_eq!(svg.matches("href=\"data:image/png;base64,").count(), 1, "one picture for all counts");
    assert!(!svg.contains("class 7"));
}

#[test]
fn probabilities_of_the_true_class_fall_into_their_bins() {
    let ln = |p: [f64; 3]| p.map(|p| p.ln() as f32);
    let logits =
        [ln([0.62, 0.22, 0.16]), ln([0.62, 0.22, 0.16]), [500.0, 0.0, 0.0], [500.0, 0.0, 0.0], [0.0; 3]];
    let labels = [0, 1, 0, 2, 1];
    let mut counts = TrueClassProbabilities::default();
    logits.iter().zip(labels).for_each(|(logits, label)| counts.count(&Objective::default(), logits, label));
    let bins = |counts: &[u64; 20]| -> Vec<usize> { (0..20).filter(|&bin| counts[bin] > 0).collect() };
    assert_eq!(bins(&counts.right), [12, 19]);
    // Of three equal logits the first is the answer, so label 1 is wrong there.
    assert_eq!(bins(&counts.wrong), [0, 4, 6]);
    check_balanced(&counts.svg());
}

#[test]
fn terminal_templates_fit_the_width_and_show_two_pixels_a_character() {
    let parameters = Parameters::random(10, FEATURES, 5);
    let templates = Templates::new(&parameters).unwrap();
    let names = CLASSES.map(String::from);
    for (width, columns) in [(10, 1), (66, 2), (99, 2), (100, 3), (1000, 10)] {
        let text = templates.text(&names, width, Ink::TrueColour);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10usize.div_ceil(columns) * (16 + 2), "at {width} characters");
        assert_eq!(lines[0].matches('▀').count(), 32 * columns);
        assert!(lines[16].contains("airplane"));
    }
    let [top, bottom] =
        [0, 32].map(|pixel| templates.image(0)[pixel].map(|value| value.to_string()).join(";"));
    let text = templates.text(&names, 80, Ink::TrueColour);
    assert!(text.starts_with(&format!("\x1b[38;2;{top}m\x1b[48;2;{bottom}m▀")));
}

#[test]
fn a_terminal_without_colours_gets_shades() {
    // Brightness falls from left to right in equal steps.
    let weight = (0..2 * FEATURES).map(|index| -((index % 32) as f32)).collect();
    let templates = Templates::new(&Parameters { weight, ..Parameters::zeros(2, FEATURES) }).unwrap();
    let text = templates.text(&["left".into(), "right".into()], 80, Ink::Shades);
    let line = "███████▓▓▓▓▓▓▒▒▒▒▒▒░░░░░░       ";
    assert_eq!(text.lines().next().unwrap(), format!("{line}  {line}"));
}

#[test]
fn templates_of_grey_images_are_grey() {
    let weight: Vec<f32> = (0..784).map(|pixel| (pixel % 28) as f32).collect();
    let templates = Templates::new(&Parameters { weight, ..Parameters::zeros(1, 784) }).unwrap();
    let image = templates.image(0);
    assert_eq!((image.len(), image[0], image[27], image[28]), (784, [0; 3], [255; 3], [0; 3]));
    assert_eq!(templates.text(&["a".into()], 28, Ink::Shades).lines().count(), 14 + 2);
    check_balanced(&templates.svg(&["a".into()]));
}
