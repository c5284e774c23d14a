// The variable `loop`.
#pragma once

#include "imago/tokenizers/chat/jinja/interpreter.h"

namespace imago::chat::jinja {

class LoopContext final : public Callable, public std::enable_shared_from_this<LoopContext> {
 public:
  // `length`: of what is iterated over, where that is known without taking its items.
  LoopContext(const Statement& statement, std::shared_ptr<Scope> around, Iterator next, std::optional<int64_t> length,
              int depth0)
      : statement_(statement), around_(std::move(around)), next_(std::move(next)), length_(length), depth0_(depth0) {}

  bool advance(Value& item);  // to the next item; false at the end

  std::optional<Value> attribute(std::string_view name) override;
  std::optional<int64_t> length() const override;
  Value call(Interpreter& interpreter, Arguments arguments) override;
  bool callable() const override { return true; }
  std::string_view type_name() const override { return "LoopContext"; }
  Text repr() const override;

  const Statement& statement() const { return statement_; }
  const std::shared_ptr<Scope>& around() const { return around_; }
  int depth0() const { return depth0_; }

 private:
  std::optional<Value> peek();
  int64_t count() const;
  Value cycle(Arguments arguments) const;
  Value changed(Arguments arguments);

  const Statement& statement_;
  std::shared_ptr<Scope> around_;
  mutable Iterator next_;
  mutable std::optional<int64_t> length_;
  int depth0_;
  int64_t index0_ = -1;
  std::optional<Value> before_, current_, after_;
  std::optional<Value> last_changed_;
};

}  // namespace imago::chat::jinja
