# frozen_string_literal: true

module Petrichor
  # Makes values of an element. It has been checked before, all the way down, so
  # that nothing half made is ever thrown away.
  class Parse
    include Walk

    def self.call(data, element, rules)
      Check.call(data, element, rules)
      new(data, rules).call(element)
    end

    def initialize(data, rules)
      @data = data
      @rules = rules
      @around = [[]] # the items of each container around, the outermost value in the first
    end

    def call(element)
      walk(element)
      @around.first.first
    end

    private

    def enter(element, _depth)
      return @around.push([]) if element.container?

      @around.last << scalar(element, @data.byteslice(element.start...element.stop))
    end

    def leave(element)
      items = @around.pop
      @around.last << (element.kind == :list ? items : dict(items))
    end

    def scalar(element, payload)
      case element.kind
      when :string then payload
      when :text then payload.force_encoding(Encoding::UTF_8)
      when :int then Integer(payload, 10)
      when :float then float(element, payload)
      when :bool then payload == "true"
      end
    end

    def float(element, payload)
      number = Number.float(payload)
      return number unless number.infinite? && !Number::NONFINITE.match?(payload)

      raise Error.new(:range, element.start, "a number that no Float is")
    end

    # Keys are the same when their bytes are: without duplicates none are.
    def dict(items)
      entries = items.each_slice(2)
      entries = entries.to_a.reverse.uniq { |key, _| key.b }.reverse if @rules.duplicates
      entries.to_h
    end
  end
end
