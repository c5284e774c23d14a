// What one rendering may cost. Every value that a template makes is charged to the budget of its thread, and every step
// and every byte worked on is counted, so that a hostile template ends in an error and not in an exhausted machine.
#pragma once

#include <cstddef>
#include <cstdint>

#include "imago/tokenizers/chat/limits.h"

namespace imago::chat::jinja {

class Budget {
 public:
  // Makes this the budget of the calling thread until it is destroyed. Values made meanwhile must not outlive it.
  explicit Budget(const RenderLimits& limits);
  ~Budget();
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // The budget of this thread; null while inputs are converted, which their owner has bounded.
  static Budget* current();

  void spend(int64_t steps) {
    steps_ += steps;
    if (steps_ >= next_check_) check();
  }
  void spend_on_bytes(size_t bytes) { spend(1 + static_cast<int64_t>(bytes / 256)); }

  void charge(size_t bytes);
  void release(size_t bytes) { memory_ -= bytes; }
  // Throws if `bytes` more could not be charged: asked before memory is taken.
  void require(size_t bytes) const;

  const RenderLimits& limits() const { return limits_; }

 private:
  void check();

  RenderLimits limits_;
  Budget* previous_;
  int64_t steps_ = 0;
  int64_t next_check_ = 0;
  int64_t started_ = 0;  // thread CPU time in nanoseconds: a busy machine must not make an honest template fail
  size_t memory_ = 0;
};

// Suspends the accounting of this thread.
class Unaccounted {
 public:
  Unaccounted();
  ~Unaccounted();
  Unaccounted(const Unaccounted&) = delete;
  Unaccounted& operator=(const Unaccounted&) = delete;

 private:
  Budget* suspended_;
};

// Counts steps (or work on bytes) where a budget is in force.
void spend(int64_t steps);
void spend_on_bytes(size_t bytes);
// Throws when the budget in force cannot hold `bytes` more.
void require_memory(size_t bytes);

// Bytes charged for as long as this lives.
class Charge {
 public:
  explicit Charge(size_t bytes) : budget_(Budget::current()), bytes_(bytes) {
    if (budget_ != nullptr) budget_->charge(bytes_);
  }
  ~Charge() {
    if (budget_ != nullptr) budget_->release(bytes_);
  }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

  void add(size_t bytes) {
    if (budget_ != nullptr) budget_->charge(bytes);
    bytes_ += bytes;
  }

 private:
  Budget* budget_;
  size_t bytes_;
};

}  // namespace imago::chat::jinja
