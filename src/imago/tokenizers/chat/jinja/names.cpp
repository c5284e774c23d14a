#include "imago/tokenizers/chat/jinja/names.h"

#include <algorithm>

namespace imago::chat::jinja {
namespace {

// Walks in source order; like the reference it stops caring once the name has been assigned to.
class Search {
 public:
  explicit Search(uint32_t name) : name_(name) {}

  bool found() const { return found_; }

  void visit(const Block& block) {
    for (const auto& statement : block) {
      if (!done()) visit(*statement);
    }
  }

 private:
  bool done() const { return found_ || stored_; }

  void store(const Target& target) {
    if (target.tuple) {
      for (const Target& part : target.targets) store(part);
    } else if (target.name == name_ && !done()) {
      (target.attribute.empty() ? stored_ : found_) = true;
    }
  }

  void visit(const Statement& s) {
    visit(s.expression);
    store(s.target);
    visit(s.filter);
    for (const Branch& branch : s.branches) {
      visit(branch.test);
      visit(branch.body);
    }
    for (const auto& [target, value] : s.bindings) {
      visit(value);
      store(target);
    }
    if (s.macro != nullptr) {
      for (const Parameter& parameter : s.macro->parameters) visit(parameter.fallback);
      visit(s.macro->body);
    }
    visit(s.body);
    visit(s.otherwise);
  }

  void visit(const ExpressionPtr& e) {
    if (e == nullptr || done()) return;
    if (e->kind == ExpressionKind::kName && e->name == name_) {
      found_ = true;
      return;
    }
    for (const ExpressionPtr& child : e->operands) visit(child);
    if (e->arguments == nullptr) return;
    for (const ExpressionPtr& child : e->arguments->positional) visit(child);
    for (const auto& [name, child] : e->arguments->keywords) visit(child);
    visit(e->arguments->rest);
    visit(e->arguments->rest_keywords);
  }

  uint32_t name_;
  bool found_ = false, stored_ = false;
};

}  // namespace

bool uses_name(const Block& block, uint32_t name) {
  Search search(name);
  search.visit(block);
  return search.found();
}

}  // namespace imago::chat::jinja
