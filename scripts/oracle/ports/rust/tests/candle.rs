//! Operations of candle, on the CPU, held to the golden oracle.
use candle_core::{DType, Tensor};
use pag_port::Case;

/// Computes every probe of a case, and lists what is not within its budget.
fn problems(name: &str, compute: impl Fn(&dyn Fn(usize) -> Option<Tensor>, &[serde_json::Value]) -> candle_core::Result<Tensor>) -> Vec<String> {
    let case = Case::new(name);
    let inputs = case.tensors("inputs.safetensors");
    let check = |(probe, arguments): (String, Vec<serde_json::Value>)| {
        let found = compute(&|i| inputs.get(&format!("{probe}/{i}")).cloned(), &arguments)
            .and_then(|y| y.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>());
        match found {
            Ok(found) => case.problem(&probe, &found),
            Err(error) => Some(format!("{probe}: {error}")),
        }
    };
    case.probes().into_iter().filter_map(check).collect()
}

#[test]
fn softmax() {
    assert_eq!(problems("operations/softmax", |x, _| candle_nn::ops::softmax_last_dim(&x(0).unwrap())), Vec::<String>::new());
}

#[test]
fn linear() {
    let linear = |x: &dyn Fn(usize) -> Option<Tensor>, _: &[serde_json::Value]| {
        let y = x(0).unwrap().broadcast_matmul(&x(1).unwrap().t()?)?;
        x(2).map_or(Ok(y.clone()), |bias| y.broadcast_add(&bias))
    };
    assert_eq!(problems("operations/linear", linear), Vec::<String>::new());
}

/// candle's layer norm computes the variance as E[x²] − E[x]²: where the mean is large nothing is left of it.
#[test]
fn layer_norm_is_off_where_the_mean_is_large() {
    let norm = |x: &dyn Fn(usize) -> Option<Tensor>, arguments: &[serde_json::Value]| {
        candle_nn::ops::layer_norm(&x(0).unwrap().contiguous()?, &x(1).unwrap(), &x(2).unwrap(), arguments[0].as_f64().unwrap() as f32)
    };
    let off = problems("operations/layerNorm", norm);
    assert!(off.iter().any(|line| line.starts_with("offset")), "{off:?}");
}
