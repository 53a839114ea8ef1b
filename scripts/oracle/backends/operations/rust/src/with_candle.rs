//! candle, on the CPU.
use crate::{Answer, Arguments, Array};
use candle_core::{Device, Module, Tensor};
use candle_nn::{ops, Activation, GroupNorm, LayerNorm};

pub fn compute(name: &str, given: &[Array], arguments: Arguments) -> Answer {
    let tensor = |x: &Array| Tensor::from_slice(&x.data, x.shape.as_slice(), &Device::Cpu);
    let x = given.iter().map(tensor).collect::<Result<Vec<_>, _>>()?;
    let y = match name {
        "softmax" => ops::softmax_last_dim(&x[0])?,
        "linear" => candle_nn::Linear::new(x[1].clone(), x.get(2).cloned()).forward(&x[0])?,
        "conv2d" => {
            let [top, bottom, left, right] = arguments.padding();
            let padded = x[0].pad_with_zeros(2, top, bottom)?.pad_with_zeros(3, left, right)?;
            let y = padded.conv2d(&x[1], 0, arguments.count(0), 1, 1)?;
            match x.get(2) {
                Some(bias) => y.broadcast_add(&bias.reshape((1, (), 1, 1))?)?,
                None => y,
            }
        }
        "groupNorm" => {
            let groups = arguments.count(0);
            let channels = x[0].dim(1)?;
            GroupNorm::new(x[1].clone(), x[2].clone(), channels, groups, arguments.number(1))?.forward(&x[0])?
        }
        "layerNorm" => LayerNorm::new(x[1].clone(), x[2].clone(), arguments.number(0)).forward(&x[0])?,
        "activation" => match arguments.text(0) {
            "silu" => Activation::Silu,
            "gelu" => Activation::Gelu,
            "mish" => Activation::Mish,
            _ => Activation::Relu,
        }
        .forward(&x[0])?,
        "attention" => {
            let heads = arguments.count(0);
            let split = |x: &Tensor| {
                let (batch, tokens, channels) = x.dims3()?;
                x.reshape((batch, tokens, heads, channels / heads))?.transpose(1, 2)?.contiguous()
            };
            let (q, k, v) = (split(&x[0])?, split(&x[1])?, split(&x[2])?);
            let logits = (q.matmul(&k.t()?.contiguous()?)? * arguments.number(1))?;
            let mixed = ops::softmax_last_dim(&logits)?.matmul(&v)?;
            mixed.transpose(1, 2)?.contiguous()?.reshape(x[0].shape())?
        }
        "averagePool2x" => x[0].avg_pool2d(2)?,
        other => return Err(format!("{other} is no operation here").into()),
    };
    Ok(Array { shape: y.dims().to_vec(), data: y.flatten_all()?.to_vec1()? })
}
