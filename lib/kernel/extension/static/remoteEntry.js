// Draws application/vnd.plotly.v1+json in JupyterLab: live, offline, in the colors of its theme, and leaves an image
// of each chart in the notebook. A module-federation container written by hand, so there is no build step.
var _JUPYTERLAB = typeof _JUPYTERLAB === 'undefined' ? {} : _JUPYTERLAB;

(() => {
  const MIME = 'application/vnd.plotly.v1+json';
  const HEIGHT = 400; // px; default of a chart
  const IMAGE_WIDTH = 900; // px; of the image in the notebook
  const IMAGE_DELAY = 1000; // ms without a change before that image is made
  const here = document.currentScript?.src.replace(/[^/]*$/, '');

  /** Defaults that follow JupyterLab's theme. */
  const template = ({ dark, background }) => {
    const text = dark ? '#e8e8e8' : '#1f1f1f';
    const axis = {
      gridcolor: dark ? '#4a4a4a' : '#dcdcdc',
      linecolor: dark ? '#8a8a8a' : '#8a8a8a',
      zerolinecolor: dark ? '#6a6a6a' : '#bdbdbd',
    };
    return {
      layout: {
        font: { color: text },
        paper_bgcolor: background,
        plot_bgcolor: background,
        xaxis: axis,
        yaxis: axis,
        legend: { bgcolor: 'rgba(0,0,0,0)' },
        hoverlabel: { bgcolor: dark ? '#2b2b2b' : '#ffffff', bordercolor: axis.linecolor, font: { color: text } },
        modebar: { bgcolor: 'rgba(0,0,0,0)', color: '#8a8a8a', activecolor: text },
      },
    };
  };

  /** The figure over the theme's defaults. A copy, since Plotly modifies what it draws. */
  const themed = (figure, theme) => {
    const { data = [], layout = {}, config = {} } = structuredClone(figure);
    return {
      data,
      // The same uirevision from update to update keeps the reader's zoom.
      layout: { height: HEIGHT, uirevision: 'keep', ...layout, template: template(theme) },
      // No button that sends the chart to a foreign site, none that selects points for nothing.
      config: {
        displaylogo: false,
        showSendToCloud: false,
        modeBarButtonsToRemove: ['lasso2d', 'select2d'],
        ...config,
      },
    };
  };

  /** A PNG of the figure, light and opaque, legible wherever the notebook is shown: { base64, width, height }. */
  const toPng = async (Plotly, figure) => {
    const light = themed(figure, { dark: false, background: '#ffffff' });
    const size = { width: light.layout.width ?? IMAGE_WIDTH, height: light.layout.height };
    const url = await Plotly.toImage(light, { format: 'png', scale: 1.5, ...size });
    return { base64: url.split(',')[1], ...size };
  };

  let plotly;
  /** Plotly is 10 MB: loaded with the first chart. */
  const loadPlotly = () =>
    (plotly ??= new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = `${here}plotly.js`;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => {
        plotly = undefined;
        reject(new Error(`Plotly could not be loaded from ${script.src}`));
      };
      document.head.append(script);
    }));

  const isDark = () => document.body.dataset.jpThemeLight === 'false';

  const makeChart = (Widget) =>
    class Chart extends Widget {
      constructor() {
        super();
        this.addClass('jp-RenderedPlotly');
        // Fires when the chart is first shown, and when its container is resized.
        this.resizes = new ResizeObserver(() => this.fit());
        this.resizes.observe(this.node);
        this.themes = new MutationObserver(() => this.draw());
        this.themes.observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
      }

      /** Called for the first figure and for each update. */
      renderModel(model) {
        const isSame = this.figure && JSON.stringify(this.figure) === JSON.stringify(model.data[MIME]);
        this.model = model;
        if (isSame) {
          this.leaveImage(); // the new model has none
          return Promise.resolve();
        }
        this.figure = model.data[MIME];
        this.hidePictures(); // they belong to the last figure
        this.node.style.height = `${this.figure.layout?.height ?? HEIGHT}px`;
        return this.draw();
      }

      /** Draws the newest figure; of a burst of updates only the last. */
      async draw() {
        this.isStale = true;
        if (this.isDrawing || !this.figure || !this.node.clientWidth) return;
        this.isDrawing = true;
        try {
          const Plotly = await loadPlotly();
          while (this.isStale && !this.isDisposed) {
            this.isStale = false;
            const { data, layout, config } = themed(this.figure, { dark: isDark(), background: 'rgba(0,0,0,0)' });
            this.width = this.node.clientWidth;
            await Plotly.react(this.node, data, { width: this.width, ...layout }, config);
            this.followPointer();
          }
          this.leaveImage();
        } finally {
          this.isDrawing = false;
        }
      }

      /** If the figure comes with pictures (see exampleSheet in lib/charts/predictions.ts), shows those of the point under the pointer. */
      followPointer() {
        if (this.pictures || !this.figure.layout?.meta?.hoverPictures) return;
        this.pictures = document.createElement('div');
        this.pictures.className = 'cifar10-hover-pictures';
        this.pictures.style.cssText = 'position: fixed; z-index: 10000; pointer-events: none; gap: 4px; display: none;';
        document.body.append(this.pictures);
        this.node.on('plotly_hover', ({ points: [{ customdata }], event }) => {
          const sheet = this.figure.layout?.meta?.hoverPictures;
          if (!sheet) return; // the figure was replaced
          const { source, columns, scale } = sheet;
          const [width, height] = [sheet.width * scale, sheet.height * scale];
          const tiles = [customdata ?? []].flat().map((place) => {
            const [x, y] = [(place % columns) * width, Math.floor(place / columns) * height];
            const tile = document.createElement('div');
            tile.style.cssText = `width: ${width}px; height: ${height}px; image-rendering: pixelated;`;
            tile.style.background = `url("${source}") -${x}px -${y}px / ${columns * width}px`;
            return tile;
          });
          this.pictures.replaceChildren(...tiles);
          // Below the hover text, or above it if there is no room.
          const isLow = event.clientY + 60 + height > window.innerHeight;
          const left = Math.min(event.clientX, window.innerWidth - tiles.length * (width + 4));
          const top = event.clientY + (isLow ? -60 - height : 60);
          Object.assign(this.pictures.style, { display: 'flex', left: `${left}px`, top: `${top}px` });
        });
        this.node.on('plotly_unhover', () => this.hidePictures());
      }

      hidePictures() {
        if (this.pictures) this.pictures.style.display = 'none';
      }

      fit() {
        // Stale: the theme changed while the chart was hidden.
        if (this.node.clientWidth && (this.node.clientWidth !== this.width || this.isStale)) void this.draw();
      }

      /** Adds an image of the chart to the output, for GitHub and nbviewer. */
      leaveImage() {
        clearTimeout(this.imageTimer);
        if (this.model.data['image/png']) return;
        this.imageTimer = setTimeout(async () => {
          const { model, figure } = this;
          const { base64, width, height } = await toPng(await loadPlotly(), figure);
          if (this.isDisposed || this.model !== model || this.figure !== figure) return;
          model.setData({
            data: { ...model.data, 'image/png': base64 },
            metadata: { ...model.metadata, 'image/png': { width, height } },
          });
        }, IMAGE_DELAY);
      }

      dispose() {
        if (this.isDisposed) return;
        clearTimeout(this.imageTimer);
        this.resizes.disconnect();
        this.themes.disconnect();
        this.pictures?.remove();
        window.Plotly?.purge(this.node);
        super.dispose();
      }
    };

  /**
   * Finds the displays to update by the id in their metadata. JupyterLab itself knows only the ids of displays made since it was
   * loaded: charts would not move in a reloaded page.
   */
  const updateDisplays = (notebook, { content: { data, metadata, transient } }) => {
    for (const { model } of notebook.widgets) {
      for (let i = 0; i < (model.outputs?.length ?? 0); i++) {
        const output = model.outputs.get(i);
        if (!transient?.display_id || output.metadata.display_id !== transient.display_id) continue;
        const isNew = Object.keys(data).some(
          (type) => JSON.stringify(data[type]) !== JSON.stringify(output.data[type]),
        );
        if (isNew) model.outputs.set(i, { output_type: 'display_data', data, metadata });
      }
    }
  };

  const followDisplays = (_, { content, sessionContext }) =>
    sessionContext.iopubMessage.connect((_, message) => {
      if (message.header.msg_type === 'update_display_data') updateDisplays(content, message);
    });

  // The message in place of controls whose kernel has ended.
  const style = `.jp-OutputArea-output.jupyter-widgets:not(:has(*))::after {
    content: ' The kernel of these controls has ended. Run this cell again.';
    font-weight: bold;
  }`;

  let scope;
  const shared = async (name) => {
    const [version] = Object.values(scope[name]);
    return (await version.get())();
  };

  _JUPYTERLAB['cifar10-charts'] = {
    toPng,
    init: (shareScope) => {
      scope = shareScope;
    },
    get: async (name) => {
      const plugin = name === './displays' ? await displays() : await charts();
      // Without __esModule JupyterLab fails to start.
      return () => ({ __esModule: true, default: [plugin] });
    },
  };

  async function charts() {
    const { Widget } = await shared('@lumino/widgets');
    const Chart = makeChart(Widget);
    const rendererFactory = {
      safe: true, // runs no scripts of the notebook: untrusted notebooks show their charts, too
      mimeTypes: [MIME],
      defaultRank: -10, // before the image beside it
      createRenderer: () => new Chart(),
    };
    return { id: 'cifar10-charts:mime', rank: -10, dataType: 'json', rendererFactory };
  }

  async function displays() {
    const { INotebookTracker } = await shared('@jupyterlab/notebook');
    const activate = (app, notebooks) => {
      document.head.append(Object.assign(document.createElement('style'), { textContent: style }));
      notebooks.forEach((panel) => followDisplays(notebooks, panel));
      notebooks.widgetAdded.connect(followDisplays);
    };
    return { id: 'cifar10-charts:displays', autoStart: true, requires: [INotebookTracker], activate };
  }
})();
