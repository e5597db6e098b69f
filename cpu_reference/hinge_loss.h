// SPDX-License-Identifier: Apache-2.0
//
// Multi-class hinge loss: every wrong class whose score comes within `margin` of the true one's costs.
//
//   h(n,j)    = max(0, scores[n,j] - scores[n,t] + margin) for j != t, t = labels[n]
//   losses[n] = s * sum over j != t of h(n,j)^p                   p = 1, or 2 with `squared`
//   loss      = 1/N * sum over n of losses[n]
//   g(n,j)    = dloss / N * s * (h(n,j) > 0 ? (squared ? 2 h(n,j) : 1) : 0)
//   dscores[n,j] = g(n,j) for j != t          dscores[n,t] = - sum over j != t of g(n,j)
//
// scores, dscores [N,C]   labels [N], each in [0,C)   losses [N]   loss, dloss [1]   scale s. T as in storage.h;
// computed in double. A NaN score makes h NaN: the loss, and that class's and the true class's gradient.
#pragma once
#include <cstdint>

#include "core/ops/hinge_loss.h"
#include "cpu_reference/storage.h"

namespace fovea::reference {

// max(0, x), NaN for NaN.
inline double positive_part(double x) { return x <= 0 ? 0 : x; }

template <class T>
void hinge_loss_forward(const HingeLossGeometry& o, const T* scores, const std::int32_t* labels, Wide<T>* losses,
                        Wide<T>* loss) {
  double sum_of_losses = 0;
  for (std::int64_t n = 0; n < o.N; ++n) {
    const T* row = scores + n * o.C;
    const double truth = row[labels[n]];
    double sum = 0;
    for (std::int64_t j = 0; j < o.C; ++j) {
      if (j == labels[n]) continue;
      const double h = positive_part(row[j] - truth + o.margin);
      sum += o.squared ? h * h : h;
    }
    losses[n] = static_cast<Wide<T>>(o.scale * sum);
    sum_of_losses += o.scale * sum;
  }
  *loss = static_cast<Wide<T>>(sum_of_losses / static_cast<double>(o.N));
}

template <class T>
void hinge_loss_backward(const HingeLossGeometry& o, const T* scores, const std::int32_t* labels, const Wide<T>* dloss,
                         T* dscores) {
  const double scale = *dloss / static_cast<double>(o.N) * o.scale;
  for (std::int64_t n = 0; n < o.N; ++n) {
    const T* row = scores + n * o.C;
    const double truth = row[labels[n]];
    double sum = 0;
    for (std::int64_t j = 0; j < o.C; ++j) {
      if (j == labels[n]) continue;
      const double h = positive_part(row[j] - truth + o.margin);
      const double slope = o.squared ? 2 * h : h > 0 ? 1 : h;  // the last h is 0 or NaN
      dscores[n * o.C + j] = static_cast<T>(scale * slope);
      sum += scale * slope;
    }
    dscores[n * o.C + labels[n]] = static_cast<T>(-sum);
  }
}

}  // namespace fovea::reference
