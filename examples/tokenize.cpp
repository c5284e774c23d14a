// Shows the tokens of a text and where in it they stand.
//
//   tokenize MODEL_FOLDER "Hello world"
#include <imago/tokenizers/pretrained_tokenizer.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL_FOLDER TEXT\n", argv[0]);
    return 2;
  }
  try {
    const auto pretrained = imago::PretrainedTokenizer::from_folder(argv[1]);
    const imago::Tokenizer& tokenizer = pretrained.tokenizer();
    const imago::Encoding encoding = tokenizer.encode(argv[2]);
    for (size_t i = 0; i < encoding.size(); ++i) {
      const imago::Offsets place = encoding.offsets[i];
      std::printf("%6d  [%u, %u)  %s\n", encoding.ids[i], place.begin, place.end, encoding.tokens[i].c_str());
    }
    std::printf("decoded: %s\n", tokenizer.decode(encoding.ids, {.skip_special_tokens = true}).c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
