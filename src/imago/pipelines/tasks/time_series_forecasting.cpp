// time-series-forecasting: what comes after the series of a table. B batch (one), T steps, P steps of the future, C
// channels, S samples.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/distribution_draws.h"
#include "imago/nn/random_source.h"
#include "imago/nn/time_series.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/series_table.h"

namespace imago {
namespace {

constexpr const char* kTask = "time-series-forecasting";
constexpr double kQuantiles[] = {0.1, 0.5, 0.9};

struct Request {
  std::optional<std::vector<std::string>> columns;
  std::optional<std::string> timestamp_column;
  std::vector<double> categories, reals;  // static features
  int64_t samples = 0;
  uint64_t seed = 0;
  bool holdout = false, return_samples = false;
};

[[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) {
  throw Error(ErrorKind::kInvalidArgument, kTask, what, hint);
}

std::vector<double> numbers(const std::optional<std::vector<std::string>>& texts, const char* name) {
  std::vector<double> values;
  for (const std::string& text : texts.value_or(std::vector<std::string>())) {
    size_t end = 0;
    double value = 0;
    try {
      value = std::stod(text, &end);
    } catch (const std::exception&) {
      end = 0;
    }
    if (end == 0 || end != text.size()) refuse(fmt::format("{} has \"{}\", which is no number", name, text));
    values.push_back(value);
  }
  return values;
}

// Linear between the values, as numpy's quantile.
double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

// Rows of one call, as the model reads them.
class Window {
 public:
  Window(const SeriesTable& table, const std::vector<std::string>& columns, const ForecastShape& shape, int64_t end)
      : table_(table), columns_(columns), shape_(shape), end_(end) {}

  TimeSeriesInputs inputs(const Request& request) const {
    std::vector<float> values, observed;
    for (int64_t step = end_ - shape_.past; step < end_; ++step) {
      for (const std::string& name : columns_) {
        // In front of the table nothing was observed.
        const double value = step < 0 ? std::nan("") : table_.column(name)[static_cast<size_t>(step)];
        values.push_back(std::isnan(value) ? 0 : static_cast<float>(value));
        observed.push_back(std::isnan(value) ? 0 : 1);
      }
    }
    Shape series = {1, shape_.past};
    if (!shape_.flat) series.push_back(shape_.channels);
    TimeSeriesInputs in;
    in.past_values = Tensor::from(values, series);
    in.past_observed_mask = in.observed_mask = Tensor::from(observed, series);
    in.past_time_features = time_features(end_ - shape_.past, shape_.past);
    in.future_time_features = time_features(end_, shape_.future);
    const auto fixed = [](const std::vector<double>& all, int64_t count, const char* name) {
      if (std::ssize(all) != count)
        refuse(fmt::format("the model reads {} {}, and {} are given", count, name, all.size()));
    };
    fixed(request.categories, shape_.static_categories, "static_categorical_features");
    fixed(request.reals, shape_.static_reals, "static_real_features");
    if (!request.reals.empty())
      in.static_real_features =
          Tensor::from(std::vector<float>(request.reals.begin(), request.reals.end()), {1, shape_.static_reals});
    if (!request.categories.empty())
      in.static_categorical_features = Tensor::from(
          std::vector<int64_t>(request.categories.begin(), request.categories.end()), {1, shape_.static_categories});
    return in;
  }

  Json timestamps() const {
    if (table_.times.empty()) return {};
    Json list = Json::array();
    for (int64_t step = 0; step < shape_.future; ++step) list.push_back(format_time(time_at(end_ + step)));
    return list;
  }

 private:
  CalendarTime time_at(int64_t row) const { return step_of(table_.times, table_.path).after(table_.times[0], row); }

  // [1, steps, features]: of the calendar, and where the model reads one more, the age of the series.
  Tensor time_features(int64_t first, int64_t steps) const {
    if (shape_.time_features > 0 && table_.times.empty())
      refuse("the model reads features of the time, and the table has no times",
             "name their column with timestamp_column");
    const TimeStep step = table_.times.empty() ? TimeStep{} : step_of(table_.times, table_.path);
    std::vector<float> values;
    for (int64_t row = first; row < first + steps && shape_.time_features > 0; ++row) {
      std::vector<double> of_row = step.features(step.after(table_.times[0], row));
      const int64_t count = std::ssize(of_row);
      if (shape_.time_features == count + 1)
        of_row.push_back(std::log10(2.0 + static_cast<double>(row - (end_ - shape_.past))));
      if (std::ssize(of_row) != shape_.time_features) {
        refuse(fmt::format(
            "the model reads {} features of the time; at steps of these times there are {}, or {} with the age",
            shape_.time_features, count, count + 1));
      }
      values.insert(values.end(), of_row.begin(), of_row.end());
    }
    return Tensor::from(values, {1, steps, shape_.time_features});
  }

  const SeriesTable& table_;
  const std::vector<std::string>& columns_;
  const ForecastShape& shape_;
  int64_t end_;
};

class TimeSeriesForecastingPipeline final : public PipelineTask {
 public:
  explicit TimeSeriesForecastingPipeline(PipelineModel model)
      : model_(std::move(model)), forecaster_(dynamic_cast<const SeriesForecaster*>(model_.model.get())) {
    if (forecaster_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model forecasts no series");
    shape_ = forecaster_->forecast_shape();
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    const Request request = read(call.options);
    std::vector<Json> answers;
    for (const PipelineInput& input : call.inputs) answers.push_back(forecast(input.text, request));
    return answers;
  }

 private:
  Request read(const Json& options) const {
    OptionReader reader(kTask, options);
    Request request;
    request.columns = reader.texts("columns");
    request.timestamp_column = reader.text("timestamp_column");
    request.categories = numbers(reader.texts("static_categorical_features"), "static_categorical_features");
    request.reals = numbers(reader.texts("static_real_features"), "static_real_features");
    const Json in_config = model_.config_value("num_parallel_samples");
    request.samples =
        reader.integer_from("num_samples", 1, in_config.is_number_integer() ? in_config.get<int64_t>() : 100);
    request.seed = static_cast<uint64_t>(reader.integer("seed").value_or(0));
    request.holdout = reader.boolean("holdout").value_or(false);
    request.return_samples = reader.boolean("return_samples").value_or(false);
    reader.integer("batch_size");
    reader.finish();
    return request;
  }

  std::vector<std::string> columns_of(const SeriesTable& table, const Request& request) const {
    std::vector<std::string> columns = request.columns.value_or(table.names);
    for (const std::string& name : columns) table.column(name);
    if (std::ssize(columns) == shape_.channels) return columns;
    refuse(fmt::format("the model reads {} series together, and {} columns are there", shape_.channels, columns.size()),
           "name them with columns");
  }

  Json forecast(const std::string& path, const Request& request) const {
    const SeriesTable table = read_series_table(path, request.timestamp_column);
    // A model of one series forecasts each column for itself.
    const std::vector<std::string> all = request.columns.value_or(table.names);
    const int64_t end = table.rows() - (request.holdout ? shape_.future : 0);
    if (end < 1) refuse(fmt::format("{} has {} rows, too few to hold out {}", path, table.rows(), shape_.future));
    Json answer = {{"timestamps", Json()}, {"forecasts", Json::array()}};
    std::vector<std::vector<std::string>> groups;
    if (shape_.channels == 1) {
      for (const std::string& name : all) groups.push_back({name});
    } else {
      groups.push_back(columns_of(table, request));
    }
    for (const std::vector<std::string>& columns : groups) {
      for (const std::string& name : columns) table.column(name);
      const Window window(table, columns, shape_, end);
      answer["timestamps"] = window.timestamps();
      add_forecasts(answer["forecasts"], table, columns, sample(window.inputs(request), request), end, request);
    }
    return answer;
  }

  // [S, P, C] of numbers.
  Tensor sample(const TimeSeriesInputs& in, const Request& request) const {
    TorchGenerator generator(request.seed);
    const nn::RandomSource source(generator);
    return forecaster_->sample(
        in, request.samples,
        [&](std::string_view family, const Tensors& parameters, const Tensor& loc, const Tensor& scale) {
          return nn::draw_values(generator, family, parameters, loc, scale);
        });
  }

  void add_forecasts(Json& list, const SeriesTable& table, const std::vector<std::string>& columns,
                     const Tensor& futures, int64_t end, const Request& request) const {
    const std::vector<double> values = futures.to_vector<double>();
    std::vector<int64_t> predicted = shape_.predicted;
    for (int64_t channel = 0; shape_.predicted.empty() && channel < shape_.channels; ++channel)
      predicted.push_back(channel);
    const size_t channels = predicted.size(), steps = static_cast<size_t>(shape_.future);
    for (size_t channel = 0; channel < channels; ++channel) {
      const std::string& name = columns.at(static_cast<size_t>(predicted[channel]));
      Json of_quantile[std::size(kQuantiles)], means = Json::array(), samples = Json::array();
      for (size_t step = 0; step < steps; ++step) {
        std::vector<double> drawn;
        for (size_t i = 0; i < static_cast<size_t>(request.samples); ++i)
          drawn.push_back(values[(i * steps + step) * channels + channel]);
        double sum = 0;
        for (const double value : drawn) {
          if (!std::isfinite(value)) throw Error(ErrorKind::kInvalidArgument, kTask, "a forecast is not finite");
          sum += value;
        }
        means.push_back(sum / static_cast<double>(request.samples));
        for (size_t i = 0; i < std::size(kQuantiles); ++i) of_quantile[i].push_back(quantile(drawn, kQuantiles[i]));
        if (request.return_samples) samples.push_back(drawn);
      }
      Json item = {{"column", name}, {"mean", means}};
      for (size_t i = 0; i < std::size(kQuantiles); ++i) item[fmt::format("{}", kQuantiles[i])] = of_quantile[i];
      if (request.return_samples) item["samples"] = samples;  // of each step
      if (request.holdout) add_truth(item, table.column(name), end);
      list.push_back(item);
    }
  }

  // What was held out, and how far the mean is from it.
  void add_truth(Json& item, const std::vector<double>& column, int64_t end) const {
    Json actual = Json::array();
    double error = 0, count = 0;
    for (int64_t step = 0; step < shape_.future; ++step) {
      const double value = column[static_cast<size_t>(end + step)];
      actual.push_back(std::isnan(value) ? Json() : Json(value));
      if (std::isnan(value)) continue;
      error += std::abs(value - item.at("mean").at(static_cast<size_t>(step)).get<double>());
      ++count;
    }
    item["actual"] = actual;
    item["mean_absolute_error"] = count > 0 ? Json(error / count) : Json();
  }

  PipelineModel model_;
  const SeriesForecaster* forecaster_;
  ForecastShape shape_;
};

}  // namespace

void register_time_series_forecasting(PipelineTable& table) {
  table.add<TimeSeriesForecastingPipeline>(kTask, "AutoModelForTimeSeriesPrediction", PipelineReads::kSeries);
}

}  // namespace imago
