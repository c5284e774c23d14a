#include "imago/tokenizers/legacy/sentencepiece_stages.h"

#include <filesystem>

#include "imago/base/file.h"
#include "imago/tokenizers/normalized_string.h"

namespace imago::tokenizers {
namespace {

// How long a ">>language<<" at the front is.
size_t code_size(std::string_view text) {
  if (!text.starts_with(">>")) return 0;
  const size_t end = text.find("<<");
  return end == std::string_view::npos ? 0 : end + 2;
}

class SentencePieceNormalizer final : public OwnNormalizer {
 public:
  SentencePieceNormalizer(SharedProcessor processor, std::string prefix, bool keeps_code)
      : processor_(std::move(processor)), prefix_(std::move(prefix)), keeps_code_(keeps_code) {}

  void normalize(NormalizedString& string) const override {
    const size_t code = keeps_code_ ? code_size(string.text()) : 0;
    const std::string text = prefix_ + std::string(string.text().substr(code));
    std::vector<Alignment> from;
    std::string result(string.text().substr(0, code));
    result += processor_->normalize(text, string.tracked() ? &from : nullptr);
    std::vector<Alignment> alignments;
    if (string.tracked()) {
      const std::vector<Alignment>& old = string.alignments();
      // Where a place in `text` is in the original; what has no place of its own stands before what follows.
      const auto begin_of = [&](size_t at) {
        at = code + (at < prefix_.size() ? 0 : at - prefix_.size());
        return at < old.size() ? old[at].begin : old.empty() ? 0 : old.back().end;
      };
      const auto end_of = [&](size_t at) {
        return at <= prefix_.size() ? begin_of(0) : old[code + at - prefix_.size() - 1].end;
      };
      alignments.assign(old.begin(), old.begin() + static_cast<ptrdiff_t>(code));
      for (const Alignment& range : from) {
        const uint32_t begin = begin_of(range.begin);
        alignments.push_back({begin, range.begin == range.end ? begin : end_of(range.end)});
      }
    }
    string.assign(std::move(result), std::move(alignments));
  }

 private:
  SharedProcessor processor_;
  std::string prefix_;
  bool keeps_code_;
};

class SentencePieceCutter final : public PieceCutter {
 public:
  SentencePieceCutter(SharedProcessor processor, size_t dropped, bool keeps_code)
      : processor_(std::move(processor)), dropped_(dropped), keeps_code_(keeps_code) {}

  void cut(std::string_view text, ModelScratch&, Emit emit) const override {
    const auto code = static_cast<uint32_t>(keeps_code_ ? code_size(text) : 0);
    if (code > 0) emit(text.substr(0, code), 0, code);
    if (dropped_ == 0) {
      processor_->cut(text.substr(code), [&](std::string_view name, uint32_t begin, uint32_t end) {
        emit(name, code + begin, code + end);
      });
      return;
    }
    size_t pieces = 0;
    processor_->cut(text, [&](std::string_view, uint32_t, uint32_t) { ++pieces; });
    // As the reference, which keeps all where there are fewer than it would drop.
    size_t skip = pieces >= dropped_ ? dropped_ : 0;
    processor_->cut(text, [&](std::string_view name, uint32_t begin, uint32_t end) {
      if (skip > 0) {
        --skip;
      } else {
        emit(name, begin, end);
      }
    });
  }

 private:
  SharedProcessor processor_;
  size_t dropped_;
  bool keeps_code_;
};

}  // namespace

SharedProcessor read_sentencepiece_file(const std::string& path) {
  const MappedFile file = MappedFile::open(path);
  const std::string name = std::filesystem::path(path).filename().string();
  return std::make_shared<const SentencePieceProcessor>(parse_sentencepiece_model(file.text(), name), name);
}

std::unique_ptr<Normalizer> sentencepiece_normalizer(SharedProcessor processor, std::string prefix, bool keeps_code) {
  return std::make_unique<SentencePieceNormalizer>(std::move(processor), std::move(prefix), keeps_code);
}

std::unique_ptr<PieceCutter> sentencepiece_cutter(SharedProcessor processor, size_t dropped, bool keeps_code) {
  return std::make_unique<SentencePieceCutter>(std::move(processor), dropped, keeps_code);
}

std::function<std::string(std::span<const std::string>, PythonClass::IsSpecial)> sentencepiece_text(
    SharedProcessor processor, SpecialJoin join) {
  return [processor = std::move(processor), join](std::span<const std::string> names,
                                                  PythonClass::IsSpecial special) -> std::string {
    std::string text;
    std::vector<std::string> waiting;
    bool behind_special = false;
    const auto flush = [&] {
      const std::string part = processor->decode(waiting);
      text += join.upper_case ? uppercase(part) : part;
      waiting.clear();
    };
    for (const std::string& name : names) {
      if (!special(name)) {
        waiting.push_back(name);
        behind_special = false;
        continue;
      }
      if (!(join.once && behind_special)) text += join.before;
      flush();
      text += name;
      text += join.behind;
      behind_special = true;
    }
    flush();
    return join.strips ? std::string(strip(text)) : text;
  };
}

}  // namespace imago::tokenizers
