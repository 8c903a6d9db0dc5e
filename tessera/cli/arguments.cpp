// Flags that several verbs share.
#include "tessera/cli/verb.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace fs = std::filesystem;
namespace tessera::cli {

CLI::Validator wholeNumber(int64_t low, int64_t high) {
  auto check = [low, high](std::string &text) -> std::string {
    int64_t v = 0;
    const char *end = text.data() + text.size();
    auto [p, ec] = std::from_chars(text.data(), end, v);
    if (ec == std::errc() && p == end && v >= low && v <= high)
      return {};
    return "'" + text + "' is no whole number from " + std::to_string(low) + " to " +
           std::to_string(high);
  };
  return CLI::Validator(check, "");
}

Status keepInputs(const std::vector<fs::path> &inputs, const std::vector<fs::path> &outputs) {
  auto place = [](const fs::path &p) {
    std::error_code ec;
    // absolute() first: a relative name that does not exist yet would stay relative.
    fs::path whole = fs::weakly_canonical(fs::absolute(p, ec), ec);
    return ec ? p : whole;
  };
  Error errors;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].empty())
      continue;
    for (const fs::path &in : inputs)
      if (!in.empty() && place(in) == place(outputs[i]))
        errors.add(Diagnostic{"overwrites-input", outputs[i].string(),
                              "is read by this command and would be overwritten",
                              "write to another file"});
    for (size_t j = 0; j < i; ++j)
      if (!outputs[j].empty() && place(outputs[j]) == place(outputs[i]))
        errors.add(Diagnostic{"same-output", outputs[i].string(), "is named for two outputs",
                              "give each its own file"});
  }
  if (!errors.empty())
    return fail(std::move(errors));
  return {};
}

Status checkEnding(const std::string &flag, const fs::path &file, const std::string &ending) {
  if (file.empty() || file.extension() == ending)
    return {};
  return fail("bad-option", flag, "'" + file.string() + "' does not end in " + ending,
              "the other verbs know a file by its ending");
}

Result<std::vector<double>> parseNumbers(const std::string &flag, const std::string &text) {
  std::vector<double> numbers;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    double v = 0;
    auto [p, ec] = std::from_chars(text.data() + at, text.data() + end, v);
    if (ec != std::errc() || p != text.data() + end || !std::isfinite(v))
      return fail("bad-option", flag, "'" + text + "' is no list of numbers",
                  "write e.g. 0.5,0.5,0.5");
    numbers.push_back(v);
    at = end + 1;
  }
  return numbers;
}

Result<std::pair<int, int>> parseSize(const std::string &flag, const std::string &text) {
  int w = 0, h = 0;
  const char *end = text.data() + text.size();
  auto [p, ec] = std::from_chars(text.data(), end, w);
  if (ec == std::errc() && p != end && *p == 'x') {
    auto [q, ec2] = std::from_chars(p + 1, end, h);
    if (ec2 == std::errc() && q == end && w > 0 && h > 0)
      return std::pair(w, h);
  }
  return fail("bad-option", flag, "'" + text + "' is no size", "write WIDTHxHEIGHT, e.g. 240x160");
}

void RecipeArguments::add(CLI::App *v) {
  verb = v;
  auto group = "Pre-processing (TPU-MLIR's spelling)";
  v->add_option("--mean", mean,
                "subtracted from each channel, e.g. 123.7,116.3,103.5 (default 0,0,0)")
      ->group(group);
  v->add_option("--scale", scale,
                "multiplied after the mean, e.g. 0.0039216,0.0039216,0.0039216 (default 1,1,1)")
      ->group(group);
  v->add_option("--pixel_format", pixelFormat, "bgr (default), rgb or gray")
      ->check(CLI::IsMember({"bgr", "rgb", "gray"}))
      ->group(group);
  v->add_option("--channel_format", channelFormat, "nchw (default) or nhwc")
      ->check(CLI::IsMember({"nchw", "nhwc"}))
      ->group(group);
  v->add_option("--resize_dims", resizeDims,
                "height,width to resize to before the centre crop to the input")
      ->group(group);
  v->add_flag("--keep_aspect_ratio", keepAspectRatio, "resize without distortion and pad the rest")
      ->group(group);
  v->add_option("--pad_value", padValue, "value of the padding (default 0)")
      ->check(wholeNumber(-65535, 65535))
      ->group(group);
  v->add_option("--pad_type", padType, "center (default) or normal (right and bottom)")
      ->check(CLI::IsMember({"center", "normal"}))
      ->group(group);
}

Result<driver::RecipeFlags> RecipeArguments::parse() const {
  driver::RecipeFlags f;
  for (auto [flag, text, target] :
       {std::tuple("--mean", &mean, &f.mean), {"--scale", &scale, &f.scale}})
    if (!text->empty()) {
      TESSERA_ASSIGN(auto numbers, parseNumbers(flag, *text));
      *target = std::move(numbers);
    }
  if (!pixelFormat.empty())
    f.pixelFormat = pixelFormat;
  if (!channelFormat.empty())
    f.channelFormat = channelFormat;
  if (!padType.empty())
    f.padType = padType;
  if (!resizeDims.empty()) {
    TESSERA_ASSIGN(auto numbers, parseNumbers("--resize_dims", resizeDims));
    auto isSide = [](double v) { return v >= 1 && v <= 65535 && v == std::floor(v); };
    if (numbers.size() != 2 || !isSide(numbers[0]) || !isSide(numbers[1]))
      return fail("bad-option", "--resize_dims", "'" + resizeDims + "' is not height,width",
                  "write two whole numbers from 1 to 65535, e.g. 160,240");
    f.resizeDims = std::vector<int64_t>(numbers.begin(), numbers.end());
  }
  if (keepAspectRatio)
    f.keepAspectRatio = true;
  if (verb->count("--pad_value"))
    f.padValue = padValue;
  return f;
}

void ShapeArguments::add(CLI::App *v) {
  v->add_option("--input_shapes", inputShapes,
                "shapes of all inputs, e.g. \"[[1,3,160,240]]\"; fixes dynamic axes, picks one of "
                "a .bmodel's shapes");
  v->add_option("--output_names", outputNames,
                "comma-separated ONNX tensors to end at (default: the graph's outputs)");
}

void ShapeArguments::addNet(CLI::App *v) {
  v->add_option("--net", net, "name of the network, of a .bmodel that holds several");
}

Result<std::vector<Shape>> ShapeArguments::shapes() const {
  std::vector<Shape> shapes;
  if (inputShapes.empty())
    return shapes;
  auto bad = fail("bad-option", "--input_shapes", "'" + inputShapes + "' is no list of shapes",
                  "write e.g. \"[[1,3,160,240]]\"");
  auto j = nlohmann::json::parse(inputShapes, nullptr, /*allow_exceptions=*/false);
  if (!j.is_array() || j.empty())
    return bad;
  for (const auto &row : j) {
    if (!row.is_array())
      return bad;
    Shape s;
    for (const auto &d : row) {
      if (!d.is_number_integer() || d.get<int64_t>() < 1)
        return bad;
      s.push_back(d.get<int64_t>());
    }
    shapes.push_back(std::move(s));
  }
  return shapes;
}

std::vector<std::string> ShapeArguments::names() const {
  std::vector<std::string> names;
  for (size_t at = 0; at < outputNames.size();) {
    size_t end = std::min(outputNames.find(',', at), outputNames.size());
    if (end > at)
      names.push_back(outputNames.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

Result<driver::OpenOptions> openOptions(const RecipeArguments &recipe,
                                        const ShapeArguments &shapes) {
  driver::OpenOptions open;
  TESSERA_ASSIGN(open.flags, recipe.parse());
  TESSERA_ASSIGN(open.inputShapes, shapes.shapes());
  open.outputNames = shapes.names();
  open.net = shapes.net;
  return open;
}

void noteUnknownRecipe(const driver::Model &model) {
  if (!model.inputs().empty() && !model.inputs().front().recipeKnown)
    fmt::print(
        stderr,
        "note: {} holds no pre-processing recipe and no flags were given: images go in as bgr, "
        "mean 0, scale 1\n",
        model.path().string());
}

void DecideArguments::add(CLI::App *v) {
  auto group = "Mask decision and clean-up";
  thresholdOption =
      v->add_option(
           "--threshold", threshold,
           "on channel 1 - channel 0, or on the one channel (default 0; 0.5 behind a Sigmoid)")
          ->group(group);
  v->add_flag("--largest_component", options.cleanUp.largestComponent,
              "keep the largest 8-connected component")
      ->group(group);
  v->add_flag("--fill_holes", options.cleanUp.fillHoles, "fill holes inside the object")
      ->group(group);
  v->add_option("--opening", options.cleanUp.opening, "elliptical opening of this odd size")
      ->check(wholeNumber(0, 255))
      ->group(group);
  v->add_option("--median", options.cleanUp.median, "median filter of this odd size")
      ->check(wholeNumber(0, 255))
      ->group(group);
}

Result<evaluate::DecideOptions> DecideArguments::parse() const {
  evaluate::DecideOptions o = options;
  if (thresholdOption->count() && !std::isfinite(threshold))
    return fail("bad-option", "--threshold", "is not finite", "give a number, e.g. 0 or 0.5");
  if (thresholdOption->count())
    o.threshold = threshold;
  for (auto [flag, size] :
       {std::pair("--opening", o.cleanUp.opening), {"--median", o.cleanUp.median}})
    if (size != 0 && size % 2 == 0)
      return fail("bad-option", flag, std::to_string(size) + " is even",
                  "a centred kernel needs an odd size");
  return o;
}

} // namespace tessera::cli
