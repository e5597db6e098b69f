// SPDX-License-Identifier: Apache-2.0
#include "core/ops/one_hot.h"

namespace fovea {

void fields(FieldVisitor& visitor, OneHotOptions& options) {
  visitor.field("classes", options.classes, Presence::required, at_least(1));
  visitor.field("on", options.on, Presence::optional);
  visitor.field("off", options.off, Presence::optional);
}

}  // namespace fovea
