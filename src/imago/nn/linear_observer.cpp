#include "imago/nn/linear_observer.h"

namespace imago::nn {
namespace {

thread_local LinearObserver* innermost = nullptr;

}  // namespace

LinearObserver::LinearObserver() : outer_(innermost) { innermost = this; }

LinearObserver::~LinearObserver() { innermost = outer_; }

LinearObserver* LinearObserver::current() { return innermost; }

}  // namespace imago::nn
