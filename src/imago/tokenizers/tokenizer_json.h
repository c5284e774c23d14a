// The file format tokenizer.json.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace imago {
struct TokenizerParts;
}

namespace imago::tokenizers {

// Throws Error kInvalidFile or kUnsupported, naming the part and the member. `where` names the source in errors.
// `mapped` says that the text is a whole file mapped into memory.
std::shared_ptr<TokenizerParts> read_tokenizer_json(std::string_view json, std::string_view where, bool mapped = false);

std::string write_tokenizer_json(const TokenizerParts& parts, bool pretty);

}  // namespace imago::tokenizers
