// SPDX-License-Identifier: Apache-2.0
//
// How weights start, by the names of torch.nn.init. fan_in is the number of products that make one output of the layer,
// fan_out the number of outputs that one input is multiplied for, both without regard to strides and borders:
// C/groups R S and K/groups R S of a convolution, I and O of a dense layer.
//
//   xavier_uniform   U(-b, b),  b = gain sqrt(6 / (fan_in + fan_out))   gain 1; Glorot & Bengio 2010, eq. 16
//   xavier_normal    N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out))   the same, eq. 12
//   kaiming_uniform  U(-b, b),  b = gain sqrt(3 / fan)                  gain sqrt(2), for ReLU; fan is fan_in, or fan_out
//   kaiming_normal   N(0, s^2), s = gain / sqrt(fan)                    by `mode`; He et al. 2015, eqs. 10 and 14
//   lecun_normal     N(0, s^2), s = 1 / sqrt(fan_in)                    LeCun et al. 1998, "Efficient BackProp", eq. 16
//   normal           N(0, std^2)                                        AlexNet 2012: std 0.01
//   constant         value
//   dirac            of filters: w[k, c, R/2, S/2] = 1 where k and c are the same within their group, else 0
//
// PyTorch counts K R S as fan_out of a grouped convolution, and exchanges the fans of a transposed one. Its layers start
// as U(-b, b) with b = 1 / sqrt(fan_in), and so do ours where nothing is said. Biases are constants.
#pragma once
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace fovea {

class RandomStream;
class Tensor;
struct ParameterSpec;

enum class InitKind {
  layer_default,
  xavier_uniform,
  xavier_normal,
  kaiming_uniform,
  kaiming_normal,
  lecun_normal,
  normal,
  constant,
  dirac
};
inline constexpr std::array<std::pair<InitKind, std::string_view>, 8> init_names{
    {{InitKind::xavier_uniform, "xavier_uniform"},
     {InitKind::xavier_normal, "xavier_normal"},
     {InitKind::kaiming_uniform, "kaiming_uniform"},
     {InitKind::kaiming_normal, "kaiming_normal"},
     {InitKind::lecun_normal, "lecun_normal"},
     {InitKind::normal, "normal"},
     {InitKind::constant, "constant"},
     {InitKind::dirac, "dirac"}}};

enum class FanMode { fan_in, fan_out };
inline constexpr std::array<std::pair<FanMode, std::string_view>, 2> fan_names{
    {{FanMode::fan_in, "fan_in"}, {FanMode::fan_out, "fan_out"}}};

struct Initialization {
  InitKind kind = InitKind::layer_default;
  FanMode mode = FanMode::fan_in;    // kaiming_*
  std::optional<double> gain = {};   // xavier_*, kaiming_*
  std::optional<double> std = {};    // normal
  std::optional<double> value = {};  // constant
  double bias = 0;                   // what the layer's bias starts as, if it has one
  bool operator==(const Initialization&) const = default;

  // "NAME" or "NAME:key=value,...": "kaiming_normal:mode=fan_out,gain=1", "normal:std=0.01,bias=1". Throws InputError.
  static Initialization parse(std::string_view text);
};

// Throws InputError "init: ...": a number that the kind has not, or needs and that is missing; out of range.
void validate(const Initialization& init);
// The same for a parameter that it does not suit: one whose layer does not draw it, dirac of no filters.
void require_suits(const Initialization& init, const ParameterSpec& weight);

// The start of such a parameter, f32 on the host. Element k depends on the stream and k alone.
Tensor initial_weights(const Initialization& init, const ParameterSpec& weight, RandomStream random);

}  // namespace fovea
