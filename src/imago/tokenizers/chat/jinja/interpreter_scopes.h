// What the interpreter changes for a while and restores, also when an error passes through.
#pragma once

#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/interpreter.h"

namespace imago::chat::jinja {

// A scope within `parent`.
class Interpreter::InnerScope {
 public:
  InnerScope(Interpreter& interpreter, std::shared_ptr<Scope> parent)
      : interpreter_(interpreter), outer_(std::move(interpreter.scope_)) {
    interpreter_.scope_ = std::make_shared<Scope>(Scope{std::move(parent), {}, false});
  }
  ~InnerScope() { interpreter_.scope_ = std::move(outer_); }
  InnerScope(const InnerScope&) = delete;
  InnerScope& operator=(const InnerScope&) = delete;

 private:
  Interpreter& interpreter_;
  std::shared_ptr<Scope> outer_;
};

// Collects what is written until it is taken.
class Interpreter::Capture {
 public:
  explicit Capture(Interpreter& interpreter)
      : interpreter_(interpreter), outer_(interpreter.output_), outer_charge_(interpreter.output_charge_) {
    interpreter_.output_ = &text_;
    interpreter_.output_charge_ = &charge_;
  }
  ~Capture() { restore(); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  Text take() {
    restore();
    return std::move(text_);
  }

 private:
  void restore() {
    interpreter_.output_ = outer_;
    interpreter_.output_charge_ = outer_charge_;
  }

  Interpreter& interpreter_;
  Text* outer_;
  Charge* outer_charge_;
  Text text_;
  Charge charge_{0};
};

// A call of a macro or of a recursive loop. Python's recursion limit allows about as many.
class Interpreter::Call {
 public:
  explicit Call(Interpreter& interpreter) : interpreter_(interpreter) {
    constexpr int kMaxCalls = 200;
    if (++interpreter_.calls_ > kMaxCalls) {
      --interpreter_.calls_;
      limit_exceeded("macros or loops call each other more than " + std::to_string(kMaxCalls) + " deep");
    }
  }
  ~Call() { --interpreter_.calls_; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  Interpreter& interpreter_;
};

}  // namespace imago::chat::jinja
