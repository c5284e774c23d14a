// The stages of the reference's tokenizer classes as tokenizer.json writes them.
#pragma once

#include "imago/tokenizers/legacy/tokenizer_class.h"

namespace imago::tokenizers {

// Normalizers
Json bert_normalizer(const ClassOptions& options);
Json lowercase_bert_normalizer(const ClassOptions& options);
Json nfc_normalizer(const ClassOptions& options);
Json clip_normalizer(const ClassOptions& options);
Json charsmap_normalizer(const ClassOptions& options);  // null where the model has no character map
Json albert_normalizer(const ClassOptions& options);
Json deberta_v2_normalizer(const ClassOptions& options);
Json gemma_normalizer(const ClassOptions& options);

// Pre-tokenizers
Json bert_pre_tokenizer(const ClassOptions& options);
Json byte_level_pre_tokenizer(const ClassOptions& options);
Json qwen2_pre_tokenizer(const ClassOptions& options);
Json clip_pre_tokenizer(const ClassOptions& options);
Json llama_pre_tokenizer(const ClassOptions& options);
Json gemma_pre_tokenizer(const ClassOptions& options);
Json words_pre_tokenizer(const ClassOptions& options);  // white space, then Metaspace
Json deberta_v2_pre_tokenizer(const ClassOptions& options);
// A split pattern, then bytes.
Json split_pre_tokenizer(std::string_view pattern, bool add_prefix_space);

// Decoders
Json word_piece_decoder(const ClassOptions& options);
Json byte_level_decoder(const ClassOptions& options);
Json bpe_decoder(const ClassOptions& options);
Json metaspace_decoder(const ClassOptions& options);
Json llama_decoder(const ClassOptions& options);
Json gemma_decoder(const ClassOptions& options);

// Post-processors
Json cls_sep_processor(const ProcessorInput& input);      // [CLS] A [SEP] B [SEP], the second of type 1
Json cls_sep_sep_processor(const ProcessorInput& input);  // [CLS] A [SEP] [SEP] B [SEP]
Json bos_eos_eos_processor(const ProcessorInput& input);  // <s> A </s> </s> B </s>
Json eos_processor(const ProcessorInput& input);          // A </s> B </s>
Json roberta_processor(const ProcessorInput& input);
Json clip_processor(const ProcessorInput& input);
Json mpnet_processor(const ProcessorInput& input);
Json whisper_processor(const ProcessorInput& input);

}  // namespace imago::tokenizers
