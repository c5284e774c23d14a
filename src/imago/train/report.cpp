#include "imago/train/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/train/chart.h"

namespace imago {
namespace {

constexpr double kWidth = 560, kHeight = 260, kLeft = 64, kBottom = 28, kTop = 12, kRight = 12;

std::string escape(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else if (c == '"') {
      safe += "&quot;";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string drawn(const Chart& chart) {
  const auto& curves = chart.curves;
  const Range steps = chart.steps(), values = chart.values();
  const auto x = [&](double step) { return kLeft + steps.place(step) * (kWidth - kLeft - kRight); };
  const auto y = [&](double value) { return kHeight - kBottom - values.place(value) * (kHeight - kBottom - kTop); };
  std::string svg = fmt::format("<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {} {}\" role=\"img\">",
                                escape(chart.name), kWidth, kHeight);
  for (const double value : ticks(values, 5)) {
    svg += fmt::format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", kLeft, kWidth - kRight,
                       y(value), y(value));
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.4g}</text>", kLeft - 6, y(value) + 4, value);
  }
  for (const double step : ticks(steps, 6)) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.6g}</text>", x(step), kHeight - 8, step);
  }
  for (size_t i = 0; i < curves.size(); ++i) {
    std::string points;
    for (const auto& [step, value] : curves[i].second) {
      if (std::isfinite(value)) points += fmt::format("{:.1f},{:.1f} ", x(step), y(value));
    }
    svg += fmt::format("<polyline class=\"curve{}\" points=\"{}\"><title>{}</title></polyline>", i, points,
                       escape(curves[i].first));
  }
  svg += "</svg><p>";
  for (size_t i = 0; i < curves.size(); ++i) {
    svg += fmt::format("<span class=\"key{}\">{}</span> ", i, escape(curves[i].first));
  }
  return svg + "</p></figure>\n";
}

constexpr const char* kStyle =
    "body{font:15px/1.4 system-ui,sans-serif;margin:2em auto;max-width:1200px;padding:0 1em;color:#222}"
    "main{display:flex;flex-wrap:wrap;gap:1.5em}figure{margin:0;width:560px;max-width:100%}"
    "figcaption{font-weight:600}svg{width:100%}text{font-size:11px;fill:#555}.grid{stroke:#ddd}"
    "polyline{fill:none;stroke-width:1.6}.curve0{stroke:#2463b0}.curve1{stroke:#c4520a}.key0{color:#2463b0}"
    ".key1{color:#c4520a}p{margin:.2em 0}table{border-collapse:collapse;margin-top:1.5em}"
    "td,th{border:1px solid #ccc;padding:.2em .7em;text-align:right}th:first-child,td:first-child{text-align:left}";

}  // namespace

std::vector<LogEntry> read_log(const std::string& path) {
  std::vector<LogEntry> entries;
  const std::string text = read_file(path);
  int64_t number = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string where = fmt::format("{}:{}", path, ++number);
    const Json json = parse_json(std::string_view(text).substr(start, end - start), where);
    LogEntry entry;
    for (const auto& [name, value] : json.items()) {
      if (!value.is_number()) throw Error(ErrorKind::kInvalidFile, where, name + " is no number", "give a log.jsonl");
      entry[name] = value.get<double>();
    }
    if (!entry.contains("step")) throw Error(ErrorKind::kInvalidFile, where, "an entry without a step");
    entries.push_back(std::move(entry));
    start = end + 1;
  }
  if (entries.empty())
    throw Error(ErrorKind::kInvalidFile, path, "the log is empty", "logging_steps says when it is written");
  return entries;
}

std::string training_report(const std::string& title, const std::vector<LogEntry>& entries) {
  std::string charts, table;
  for (const Chart& chart : charts_of(entries)) {
    charts += drawn(chart);
    for (const auto& [name, curve] : chart.curves) {
      Range range;
      for (const auto& [step, value] : curve) range.add(value);
      table += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.6g}</td><td>{:.6g}</td><td>{:.6g}</td></tr>\n",
                           escape(name), curve.size(), curve.back().second, range.low, range.high);
    }
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{1}</style></head>\n"
      "<body><h1>{0}</h1><main>\n{2}</main>\n<table><tr><th>value</th><th>entries</th><th>last</th><th>least</th>"
      "<th>greatest</th></tr>\n{3}</table></body></html>\n",
      escape(title), kStyle, charts, table);
}

}  // namespace imago
