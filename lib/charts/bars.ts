import { axis, Figure, layout, palette, readable } from './theme';

export interface BarSeries {
  readonly name: string;
  /** One number for each category. */
  readonly values: ArrayLike<number>;
  readonly color?: string;
}

export interface BarOptions {
  xTitle?: string;
  yTitle?: string;
  title?: string;
}

/**
 * Bars: a group for each category, with a bar for each series, its value written on it.
 * @throws RangeError when a series has not one value for each category
 */
export function barChart(
  categories: readonly string[],
  series: readonly BarSeries[],
  options: BarOptions = {},
): Figure {
  const { xTitle = '', yTitle = '', title } = options;
  const data = series.map(({ name, values, color }, index) => {
    if (values.length !== categories.length) {
      throw new RangeError(`the series “${name}” has ${values.length} values for ${categories.length} categories`);
    }
    return {
      type: 'bar',
      name,
      x: categories,
      y: Array.from(values),
      marker: { color: color ?? palette[index % palette.length] },
      text: Array.from(values, (value) => readable(value)),
      textposition: 'outside',
      textangle: 0,
      textfont: { size: 12 },
      cliponaxis: false,
      hovertemplate: `%{x}: %{text}<extra>${name}</extra>`,
    };
  });
  return {
    data,
    layout: layout({
      title,
      barmode: 'group',
      hovermode: 'closest',
      showlegend: series.length > 1,
      xaxis: axis(xTitle, { type: 'category' }),
      yaxis: axis(yTitle),
    }),
  };
}
