//! The verdict of the golden oracle in Rust: README.md of a kit has the formula.
use safetensors::SafeTensors;
use std::{collections::HashMap, env, fs, path::PathBuf};

/// A case of the kit in the folder that the variable KIT names.
pub struct Case {
    folder: PathBuf,
    pub settings: serde_json::Value,
}

impl Case {
    pub fn new(name: &str) -> Self {
        let folder = PathBuf::from(env::var("KIT").expect("KIT names the folder of a kit")).join(name);
        let json = fs::read_to_string(folder.join("case.json")).expect("case.json");
        Case { folder, settings: serde_json::from_str(&json).expect("JSON") }
    }

    /// Its probes: the name of each, and its arguments.
    pub fn probes(&self) -> Vec<(String, Vec<serde_json::Value>)> {
        let probes = self.settings["subject"]["probes"].as_array().expect("probes");
        probes.iter().map(|p| (p["name"].as_str().unwrap().to_string(), p["arguments"].as_array().unwrap().clone())).collect()
    }

    /// The tensors of a file, in candle.
    pub fn tensors(&self, file: &str) -> HashMap<String, candle_core::Tensor> {
        candle_core::safetensors::load(self.folder.join(file), &candle_core::Device::Cpu).expect(file)
    }

    /// Why a tap is not within its budget, or nothing.
    pub fn problem(&self, tap: &str, found: &[f64]) -> Option<String> {
        let read = |file: &str| fs::read(self.folder.join(file)).expect("a file of the case");
        let (bands, expected) = (read("bands.f32.safetensors"), read("expected.safetensors"));
        let (_, metadata) = SafeTensors::read_metadata(&bands).expect("bands");
        let budgets = &metadata.metadata().as_ref().expect("metadata")["budgets"];
        let budgets: HashMap<String, Vec<f64>> = serde_json::from_str(budgets).expect("budgets");
        let (bands, expected) = (SafeTensors::deserialize(&bands).unwrap(), SafeTensors::deserialize(&expected).unwrap());
        let truth = bands.tensor(&format!("truth/{tap}")).or_else(|_| expected.tensor(&format!("f64/{tap}"))).expect(tap);
        let truth = truth.data().chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap()));
        let scale = bands.tensor(&format!("scale/{tap}")).expect(tap);
        let scale = scale.data().chunks(2).map(|b| 2f64.powf(f64::from(i16::from_le_bytes([b[0], b[1]])) / 16.0));
        let (mut sum, mut largest) = (0f64, 0f64);
        for ((found, truth), scale) in found.iter().zip(truth).zip(scale) {
            let same = *found == truth || (found.is_nan() && truth.is_nan());
            let share = if same { 0.0 } else { (found - truth).abs() / scale };
            let share = if share.is_nan() { f64::INFINITY } else { share };
            sum += share * share;
            largest = largest.max(share);
        }
        let rms = (sum / found.len().max(1) as f64).sqrt();
        let share = (rms / budgets[tap][0]).max(largest / budgets[tap][1]);
        (share > 1.0).then(|| format!("{tap}: {:.0} % of its budget", 100.0 * share))
    }
}
