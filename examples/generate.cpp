// Continues a text with a language model and shows it as it comes.
//
//   generate MODEL "Once upon a time"
#include <imago/pipelines/pipeline.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL TEXT\n", argv[0]);
    return 2;
  }
  try {
    const auto pipe = imago::pipeline("text-generation", argv[1]);
    imago::PipelineHooks hooks;
    hooks.on_text = [](size_t, std::string_view piece) {
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
    };
    std::printf("%s", argv[2]);
    const auto output = pipe(argv[2], {{"max_new_tokens", 100}, {"temperature", 0.8}, {"seed", 1}}, hooks);
    std::printf("\n(%lld tokens)\n", static_cast<long long>(output.statistics().generated_tokens));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
