# frozen_string_literal: true

require_relative "lib/petrichor/version"

Gem::Specification.new do |gem|
  gem.name = "petrichor"
  gem.version = Petrichor::VERSION
  gem.summary = "Frames of a header and a body over any stream of bytes"
  gem.description = "Petrichor in Ruby: a tnetstring codec with limits, a push reader, and peers over any IO."
  gem.authors = ["The petrichor authors"]
  gem.homepage = "https://github.com/petrichor-protocol/petrichor"
  gem.license = "MIT"
  gem.required_ruby_version = ">= 3.1"
  gem.files = Dir["lib/**/*.rb", "sig/*.rbs", "examples/*.rb", "README.md"]
  gem.metadata = { "rubygems_mfa_required" => "true" }
end
