// The one pool of threads that all of Imago computes on.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace imago {

// A borrowed callable, so that a loop body costs no allocation. The callable must outlive the call it is passed to.
template <class Signature>
class FunctionRef;

template <class Result, class... Args>
class FunctionRef<Result(Args...)> {
 public:
  template <class Callable>
  requires(!std::is_same_v<std::remove_cvref_t<Callable>, FunctionRef>)
      FunctionRef(Callable&& callable)  // NOLINT(google-explicit-constructor): a lambda is meant to convert
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, Args... args) -> Result {
          return (*static_cast<std::remove_reference_t<Callable>*>(object))(static_cast<Args&&>(args)...);
        }) {}

  Result operator()(Args... args) const { return call_(object_, static_cast<Args&&>(args)...); }

 private:
  void* object_;
  Result (*call_)(void*, Args...);
};

// How many threads parallel_for uses, the calling one among them. The first call reads IMAGO_NUM_THREADS, else counts
// the processors this process may run on.
int num_threads();
void set_num_threads(int count);

// Calls body(begin, end) for disjoint ranges that cover [0, size), each of at least `grain` items but the last, on the
// pool and the calling thread; returns when all are done. Runs on the calling thread alone when one range would do, or
// when called from inside another parallel_for. The body must not throw.
void parallel_for(int64_t size, int64_t grain, FunctionRef<void(int64_t begin, int64_t end)> body);

}  // namespace imago
