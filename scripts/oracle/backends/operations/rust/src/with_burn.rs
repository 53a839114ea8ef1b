//! burn, on the CPU (its backend `flex`).
use crate::{Answer, Arguments, Array};
use burn::module::Param;
use burn::nn::pool::AvgPool2dConfig;
use burn::nn::{GroupNormConfig, LayerNormConfig, PaddingConfig2d};
use burn::tensor::{activation, module, ops::{AttentionModuleOptions, ConvOptions}, Device, Tensor, TensorData};

fn tensor<const D: usize>(x: &Array) -> Tensor<D> {
    Tensor::from_data(TensorData::new(x.data.clone(), x.shape.clone()), &Device::default())
}

fn array<const D: usize>(y: Tensor<D>) -> Answer {
    let shape = y.dims().to_vec();
    Ok(Array { shape, data: y.into_data().try_to_vec::<f32>().map_err(|error| format!("{error:?}"))? })
}

pub fn compute(name: &str, given: &[Array], arguments: Arguments) -> Answer {
    match given[0].shape.len() {
        1 => by_rank::<1>(name, given, arguments),
        2 => by_rank::<2>(name, given, arguments),
        3 => by_rank::<3>(name, given, arguments),
        _ => by_rank::<4>(name, given, arguments),
    }
}

fn by_rank<const D: usize>(name: &str, given: &[Array], arguments: Arguments) -> Answer {
    let x = || tensor::<D>(&given[0]);
    match name {
        "softmax" => array(activation::softmax(x(), D - 1)),
        "linear" => array(module::linear(x(), tensor::<2>(&given[1]).transpose(), given.get(2).map(tensor::<1>))),
        "conv2d" => {
            let [top, bottom, left, right] = arguments.padding();
            let padded = tensor::<4>(&given[0]).pad((left, right, top, bottom), 0.0);
            let options = ConvOptions::new([arguments.count(0); 2], [0, 0], [1, 1], 1);
            array(module::conv2d(padded, tensor::<4>(&given[1]), given.get(2).map(tensor::<1>), options))
        }
        "groupNorm" => {
            let config = GroupNormConfig::new(arguments.count(0), given[0].shape[1]).with_epsilon(arguments.number(1));
            let mut norm = config.init(&Device::default());
            norm.gamma = Some(Param::from_tensor(tensor::<1>(&given[1])));
            norm.beta = Some(Param::from_tensor(tensor::<1>(&given[2])));
            array(norm.forward(x()))
        }
        "layerNorm" => {
            let config = LayerNormConfig::new(given[1].shape[0]).with_epsilon(arguments.number(0));
            let mut norm = config.init(&Device::default());
            norm.gamma = Param::from_tensor(tensor::<1>(&given[1]));
            norm.beta = Some(Param::from_tensor(tensor::<1>(&given[2])));
            array(norm.forward(x()))
        }
        "activation" => array(match arguments.text(0) {
            "silu" => activation::silu(x()),
            "gelu" => activation::gelu(x()),
            "mish" => activation::mish(x()),
            _ => activation::relu(x()),
        }),
        "attention" => {
            let heads = arguments.count(0);
            let split = |x: &Array| {
                let channels = x.shape[2] / heads;
                tensor::<3>(x).reshape([x.shape[0], x.shape[1], heads, channels]).swap_dims(1, 2)
            };
            let options = AttentionModuleOptions { scale: Some(arguments.number(1)), ..Default::default() };
            let y = module::attention(split(&given[0]), split(&given[1]), split(&given[2]), None, None, options);
            let [batch, tokens, channels] = [given[0].shape[0], given[0].shape[1], given[2].shape[2]];
            array(y.swap_dims(1, 2).reshape([batch, tokens, channels]))
        }
        "averagePool2x" => {
            let pool = AvgPool2dConfig::new([2, 2]).with_strides([2, 2]).with_padding(PaddingConfig2d::Valid);
            array(pool.init().forward(tensor::<4>(&given[0])))
        }
        other => Err(format!("{other} is no operation here").into()),
    }
}
