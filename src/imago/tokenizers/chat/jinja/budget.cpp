#include "imago/tokenizers/chat/jinja/budget.h"

#include <time.h>

#include <algorithm>

#include "imago/tokenizers/chat/jinja/failure.h"

namespace imago::chat::jinja {
namespace {

thread_local Budget* current_budget = nullptr;

// Reading the clock costs as much as some hundred steps.
constexpr int64_t kStepsBetweenChecks = 2048;

int64_t thread_cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

Budget::Budget(const RenderLimits& limits) : limits_(limits), previous_(current_budget), started_(thread_cpu_time()) {
  next_check_ = std::min(kStepsBetweenChecks, limits_.max_steps + 1);
  current_budget = this;
}

Budget::~Budget() { current_budget = previous_; }

Budget* Budget::current() { return current_budget; }

void Budget::check() {
  if (steps_ > limits_.max_steps) {
    limit_exceeded("the template took more than " + std::to_string(limits_.max_steps) + " steps");
  }
  if (thread_cpu_time() - started_ > limits_.max_cpu_time_ns) {
    limit_exceeded("the template took longer than " + std::to_string(limits_.max_cpu_time_ns / 1'000'000) + " ms");
  }
  next_check_ = std::min(steps_ + kStepsBetweenChecks, limits_.max_steps + 1);
}

void Budget::require(size_t bytes) const {
  if (bytes > limits_.max_memory || memory_ + bytes > limits_.max_memory) {
    limit_exceeded("the template's values take more than " + std::to_string(limits_.max_memory >> 20) + " MiB");
  }
}

void Budget::charge(size_t bytes) {
  require(bytes);
  memory_ += bytes;
}

Unaccounted::Unaccounted() : suspended_(current_budget) { current_budget = nullptr; }
Unaccounted::~Unaccounted() { current_budget = suspended_; }

void spend(int64_t steps) {
  if (current_budget != nullptr) current_budget->spend(steps);
}
void spend_on_bytes(size_t bytes) {
  if (current_budget != nullptr) current_budget->spend_on_bytes(bytes);
}
void require_memory(size_t bytes) {
  if (current_budget != nullptr) current_budget->require(bytes);
}

}  // namespace imago::chat::jinja
