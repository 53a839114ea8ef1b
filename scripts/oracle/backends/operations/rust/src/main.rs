//! Answers calls.py: `pag-backends BACKEND`, candle or burn.
mod with_burn;
mod with_candle;

use serde_json::{json, Value};
use std::io::{self, Read, Write};

/// Numbers, row by row.
pub struct Array {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

pub type Answer = Result<Array, Box<dyn std::error::Error>>;

/// The numbers of an operation that are no tensors, as `pag export` lists them.
pub struct Arguments<'a>(pub &'a [Value]);

impl Arguments<'_> {
    pub fn count(&self, i: usize) -> usize {
        self.0[i].as_u64().expect("a count") as usize
    }
    pub fn number(&self, i: usize) -> f64 {
        self.0[i].as_f64().expect("a number")
    }
    pub fn text(&self, i: usize) -> &str {
        self.0[i].as_str().expect("a name")
    }
    /// top, bottom, left, right
    pub fn padding(&self) -> [usize; 4] {
        std::array::from_fn(|i| self.0[1][i].as_u64().expect("a count") as usize)
    }
}

type Compute = fn(&str, &[Array], Arguments) -> Answer;

fn main() -> io::Result<()> {
    let (version, compute): (Value, Compute) = match std::env::args().nth(1).as_deref() {
        Some("candle") => (json!({ "candle": "0.9.2" }), with_candle::compute),
        Some("burn") => (json!({ "burn": "0.22.1" }), with_burn::compute),
        other => panic!("candle or burn, not {other:?}"),
    };
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut lengths = [0u8; 8];
    while input.read_exact(&mut lengths).is_ok() {
        let length = |at: usize| u32::from_le_bytes(lengths[at..at + 4].try_into().expect("four bytes")) as usize;
        let (mut text, mut numbers) = (vec![0; length(0)], vec![0; length(4)]);
        input.read_exact(&mut text)?;
        input.read_exact(&mut numbers)?;
        let header: Value = serde_json::from_slice(&text)?;
        let (said, data) = match header["do"].as_str() {
            Some("versions") => (json!({ "versions": version }), vec![]),
            name => {
                let arguments = header["arguments"].as_array().expect("arguments");
                match compute(name.expect("a name"), &arrays(&header["shapes"], &numbers), Arguments(arguments)) {
                    Ok(y) => (json!({ "shapes": [y.shape] }), y.data.iter().flat_map(|x| x.to_le_bytes()).collect()),
                    Err(error) => (json!({ "error": error.to_string() }), vec![]),
                }
            }
        };
        let said = said.to_string();
        output.write_all(&(said.len() as u32).to_le_bytes())?;
        output.write_all(&(data.len() as u32).to_le_bytes())?;
        output.write_all(said.as_bytes())?;
        output.write_all(&data)?;
        output.flush()?;
    }
    Ok(())
}

fn arrays(shapes: &Value, numbers: &[u8]) -> Vec<Array> {
    let mut all = numbers.chunks_exact(4).map(|x| f32::from_le_bytes(x.try_into().expect("four bytes")));
    let shapes: Vec<Vec<usize>> = serde_json::from_value(shapes.clone()).expect("shapes");
    let array = |shape: Vec<usize>| Array { data: all.by_ref().take(shape.iter().product()).collect(), shape };
    shapes.into_iter().map(array).collect()
}
