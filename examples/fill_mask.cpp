// Guesses a missing word with a masked language model.
//
//   fill_mask MODEL "Paris is the [MASK] of France."
#include <imago/pipelines/pipeline.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL TEXT\n", argv[0]);
    return 2;
  }
  try {
    const auto pipe = imago::pipeline("fill-mask", argv[1]);
    const auto words = pipe(argv[2], {{"top_k", 3}});
    for (size_t i = 0; i < words.size(); ++i)
      std::printf("%.3f  %s\n", words[i]["score"].number(), words[i]["sequence"].text().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
