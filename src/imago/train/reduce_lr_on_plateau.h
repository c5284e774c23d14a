// torch's ReduceLROnPlateau: the learning rate falls when a metric has stopped improving.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "imago/base/json.h"

namespace imago {

struct ReduceLROnPlateauOptions {
  bool maximize = false;    // mode: "max" where more is better, "min" where less is
  double factor = 0.1;      // below 1
  int64_t patience = 10;    // evaluations without improvement that are put up with
  double threshold = 1e-4;  // by how much the best must be surpassed
  bool relative = true;     // threshold_mode: "rel" or "abs"
  int64_t cooldown = 0;     // evaluations after a fall in which none is counted as bad
  double min_lr = 0;
  double eps = 1e-8;  // a fall by less does not take place

  // Reads lr_scheduler_kwargs. Throws Error kInvalidArgument for an unknown or ill-typed argument.
  static ReduceLROnPlateauOptions from_json(const Json& kwargs);
};

class ReduceLROnPlateau {
 public:
  ReduceLROnPlateau(double lr, ReduceLROnPlateauOptions options);

  // Takes an evaluation's metric; gives the learning rate from now on.
  double step(double metric);
  double lr() const { return lr_; }

 private:
  bool is_better(double metric) const;

  ReduceLROnPlateauOptions options_;
  double lr_, best_;
  int64_t bad_ = 0, cooldown_left_ = 0;
};

}  // namespace imago
